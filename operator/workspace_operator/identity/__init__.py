"""Who is who: normalising, resolving, who may change what. Pure; no I/O, no clock, no randomness."""
