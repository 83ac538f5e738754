"""Cleanups as pure values: decisions about the people that block a migration, and what they settle (cleanups)."""
