"""What the pages about people show."""
