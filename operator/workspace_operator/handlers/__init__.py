"""Driver on Kopf: passes events to the controller. It neither writes to the cluster nor keeps state on objects."""
