"""A table, its columns, and their encoding as numbers."""
