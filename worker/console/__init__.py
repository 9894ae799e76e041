"""The operator's page: a process of its own beside the workers, which reads Kafka and their operations ports."""
