"""The repositories of accounts and of the audit log."""
