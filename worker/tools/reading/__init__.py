"""What several commands read, and how they show their progress."""
