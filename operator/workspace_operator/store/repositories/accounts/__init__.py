"""The repositories of accounts, of those who sign in to the console, and of the audit log."""
