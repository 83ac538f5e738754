"""Port of the imports."""
