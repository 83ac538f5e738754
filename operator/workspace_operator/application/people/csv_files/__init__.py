"""CSV files: encodings, columns, cells, rejects, and protection against formulas."""
