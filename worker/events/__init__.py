"""Records in, messages out."""
