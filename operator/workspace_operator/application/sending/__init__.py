"""Use cases of messages: accept, send, read back, track, templates."""
