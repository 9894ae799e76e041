"""The pages of dead letters: all of them by cause and by a filter, and one with all that is known of it."""
