"""What people do with a worker's topics."""
