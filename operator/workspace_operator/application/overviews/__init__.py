"""What a person who is signed in sees of workspaces: which ones, and their state in short."""
