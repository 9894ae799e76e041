"""The operator's page: a separate process beside the workers, which reads Kafka and the workers' operations ports."""
