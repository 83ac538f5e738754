"""Carrying migrations out, and measuring them."""
