"""Use cases of migrations: the worker and the metrics."""
