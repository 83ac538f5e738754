"""Loading and locking a working set, and flushing its changes."""
