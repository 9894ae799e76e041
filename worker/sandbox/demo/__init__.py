"""Everything on this machine: Kafka, sandbox API, sample events, the worker, and what became of each event."""
