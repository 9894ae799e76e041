"""An event's whole life, put together from the journal and the topics."""
