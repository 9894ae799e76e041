"""Every setting, the kinds of values, and where they are read from."""
