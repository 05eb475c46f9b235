"""Index and search."""
