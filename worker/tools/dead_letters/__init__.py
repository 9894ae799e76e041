"""What people do with dead letters: list them, look at one, replay those whose cause was fixed."""
