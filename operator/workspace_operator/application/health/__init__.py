"""Health of a process: probes, and the check that the database accepts writes."""
