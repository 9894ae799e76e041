"""The pages about doubts, and what can be done with one."""
