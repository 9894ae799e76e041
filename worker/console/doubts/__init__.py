"""The pages of doubts, and what can be done about one."""
