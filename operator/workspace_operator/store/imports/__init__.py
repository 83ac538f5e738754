"""Imports as jobs: their rows, states, batches and undo."""
