"""Merges that are pending after a cut-over: merge on touch, and reads as if merged."""
