"""Pages that show what is stored, and change nothing."""
