"""Connections, transactions and retries, and what differs between SQLite and PostgreSQL."""
