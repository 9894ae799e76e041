"""The pages of plans and of runs."""
