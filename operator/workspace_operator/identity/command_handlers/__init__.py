"""What is done with each kind of command."""
