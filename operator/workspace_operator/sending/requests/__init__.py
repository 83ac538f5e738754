"""Requests to send messages: their fields, and what they replace of a template."""
