"""Cleanups: their drafts, the counts of groups, and how decisions are carried out and undone (cleanups)."""
