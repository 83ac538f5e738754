"""The people API over HTTP. A handler parses a request, calls one use case and responds; no database, no cluster."""
