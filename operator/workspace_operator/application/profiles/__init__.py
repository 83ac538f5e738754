"""Use cases about one person: what it is, what became of it, and what members of staff do to it."""
