"""Use cases on people: commands in batches, imports, exports, deletions and retention."""
