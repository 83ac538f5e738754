"""Merges: which person survives, what moves, merging in bulk, and undoing a merge."""
