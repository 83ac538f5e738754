"""Deliveries and their queue: acceptance, claims, attempts and outcomes, each step in one transaction."""
