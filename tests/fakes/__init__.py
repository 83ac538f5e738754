"""Implementations of the ports in plain dicts, for tests of everything above the store; no SQL, no threads."""
