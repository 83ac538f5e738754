"""Connections, transactions and retries, and the differences between SQLite and PostgreSQL."""
