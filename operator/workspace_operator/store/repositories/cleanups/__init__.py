"""Repositories of cleanups."""
