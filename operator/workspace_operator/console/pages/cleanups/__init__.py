"""The pages of the cleanup."""
