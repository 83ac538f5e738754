"""Identity resolution: matching, identifier updates, merges and suppression. Pure: no I/O, clock or randomness."""
