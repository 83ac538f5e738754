"""What pages show that change nothing."""
