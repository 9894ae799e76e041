"""One command's way to its outcome."""
