"""The database side of the steps of a migration."""
