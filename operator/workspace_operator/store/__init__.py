"""The store on SQLite and PostgreSQL: schema, queries, unit of work and repositories."""
