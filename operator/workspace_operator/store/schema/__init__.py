"""Tables, the mappers of their rows, and the Alembic revisions."""
