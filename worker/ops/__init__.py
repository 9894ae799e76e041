"""The operations port: whether the worker is alive, whether it takes records in, what it does, and why it does not."""
