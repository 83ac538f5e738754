"""Sign-in to the console: links that sign in once, and sessions."""
