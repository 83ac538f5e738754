"""The people API over HTTP: parses, calls one use case, answers. Nothing here knows a database or a cluster."""
