"""The group's partitions, from poll to commit."""
