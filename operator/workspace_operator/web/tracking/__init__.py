"""Tracking and unsubscribing: the public paths in messages."""
