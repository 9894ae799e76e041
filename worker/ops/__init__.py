"""The operations port: whether the worker lives, whether it takes work in, what it does, and why it does not."""
