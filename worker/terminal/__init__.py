"""The one way to a person's screen."""
