"""The backing store on SQLite and PostgreSQL, one code path: tables, revisions, adapters of the ports."""
