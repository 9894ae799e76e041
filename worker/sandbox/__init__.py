"""What a trial on one machine needs: the API double, a local Kafka, the demo."""
