"""Adapter: hands messages to SMTP servers. No other package opens a connection to one."""
