"""Rules of cleanups: their rows, the groups that they apply to, and the work on them in batches."""
