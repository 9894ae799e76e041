"""An index of the dead letters, in a few bytes each: filled from the newest backwards, and kept up with new ones."""
