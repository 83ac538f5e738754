"""Repositories of cleanups, and of the audit log that they are recorded in."""
