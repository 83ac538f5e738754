"""What the pages of the clean-up show."""
