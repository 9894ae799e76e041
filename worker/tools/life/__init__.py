"""An event's whole life, collected from the journal and the topics."""
