"""All output to a person's terminal goes through here."""
