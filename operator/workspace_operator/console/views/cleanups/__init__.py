"""What the pages of the cleanup show."""
