"""The journal's entries and what follows from them: pure, without a client."""
