"""Ports of messages: deliveries, templates, blocked addresses, and what a sender needs; `ports` has their names."""
