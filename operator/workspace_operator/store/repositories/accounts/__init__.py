"""The repositories of accounts."""
