"""Use cases of cleanups: they are applied and undone by a worker."""
