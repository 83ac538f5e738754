"""Adapter: renders messages, from Liquid to MIME, in child processes with limits."""
