"""Commands of cleanups."""
