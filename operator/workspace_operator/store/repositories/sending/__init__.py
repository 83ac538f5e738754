"""Repositories of messages."""
