"""The pages of the clean-up."""
