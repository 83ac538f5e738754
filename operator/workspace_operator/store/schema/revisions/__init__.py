"""Alembic revisions of the schema in ``tables.py``."""
