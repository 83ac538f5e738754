"""Commands about a whole installation: its database and its state."""
