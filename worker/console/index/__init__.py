"""Which dead letters there are, in a few bytes each: filled from the newest on, and followed as they come."""
