"""Queries that several parts share."""
