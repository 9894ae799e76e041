"""What the journal knows, for people and their tools."""
