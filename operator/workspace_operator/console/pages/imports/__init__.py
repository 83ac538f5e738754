"""Pages of imports: the file, its columns, what would happen, and the result."""
