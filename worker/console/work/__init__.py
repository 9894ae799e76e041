"""What takes longer than a page: inquiries, plans and runs; each has an address and shows its progress."""
