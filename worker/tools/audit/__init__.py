"""`verify --follow`: judges as `verify` does, but topics that grow, and in bounded memory."""
