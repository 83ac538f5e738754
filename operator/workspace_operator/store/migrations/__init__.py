"""The steps of a migration in the database."""
