"""What is wrong with an installation, from its database alone: where, why, and what to do."""
