"""Shows what a file holds before it is imported, and what would go wrong."""
