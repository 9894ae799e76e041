"""The customer worker: keeps a CRM in step with a Kafka event stream, without creating customers twice."""

__version__ = "0.1.0"
