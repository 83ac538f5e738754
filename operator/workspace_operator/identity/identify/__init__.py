"""Identify: match the person, decide about each identifier, apply the updates."""
