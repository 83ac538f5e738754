"""Queries that several packages share."""
