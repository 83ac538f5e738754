"""Merges that a migration leaves pending at its cut-over: merge on touch, and reads as if they were done."""
