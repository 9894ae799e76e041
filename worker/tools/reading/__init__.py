"""What several commands read, and how they show how far they are."""
