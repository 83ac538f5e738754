"""Merges: survivorship, explicit merges, bulk merges, and undoing a merge."""
