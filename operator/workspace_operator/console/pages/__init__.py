"""The pages: each handler parses, calls one use case, and returns what to show."""
