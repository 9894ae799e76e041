"""Every setting, its kinds and its sources."""
