"""What takes longer than a page: looking things up, plans, and runs; each has an address and says how far it is."""
