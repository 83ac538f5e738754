"""Identify: match the person, decide on each identifier, update the draft."""
