"""What a manifest would change: simulation, diff and result."""
