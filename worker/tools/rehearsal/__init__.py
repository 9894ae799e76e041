"""What would happen if the worker were pointed at a topic, from the topic itself; nothing is written or sent."""
