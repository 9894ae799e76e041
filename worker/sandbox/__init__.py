"""What a trial on one machine needs: the API double, a local Kafka and schema registry, and the demonstration."""
