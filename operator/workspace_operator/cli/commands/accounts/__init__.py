"""Commands about accounts: access of people, and usage."""
