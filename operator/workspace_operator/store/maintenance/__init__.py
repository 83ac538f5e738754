"""Maintenance of a whole database: its description, its integrity, its backup and restore."""
