"""Ports of cleanups."""
