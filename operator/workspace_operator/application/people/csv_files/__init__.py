"""CSV files of people: encodings, columns, cells, rejects, and protection against formulas."""
