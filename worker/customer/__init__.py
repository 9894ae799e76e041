"""The customer resource of the API: its elements, rules and wire forms."""
