"""Merges that a migration left for later: merging on touch, and reading as if they were done."""
