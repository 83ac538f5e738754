"""Imports as jobs: a file is uploaded, its columns are chosen, and the worker tries, imports and undoes it."""
