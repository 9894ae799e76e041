"""The page `/`: the fleet and the group as they are now, and why it is or is not moving."""
