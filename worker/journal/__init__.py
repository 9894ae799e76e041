"""What the journal says: pure, without a client."""
