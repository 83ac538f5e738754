"""Use cases of people: batches of commands, imports, exports, deletions and retention."""
