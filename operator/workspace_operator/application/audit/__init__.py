"""The audit log: the entries of use cases, commands that are recorded, and the retention of entries."""
