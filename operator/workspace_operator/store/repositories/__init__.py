"""The implementations of the application's ports."""
