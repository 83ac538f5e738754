"""Probes, and the check that the database can be written."""
