"""Reconciles a Workspace resource with the store: observed state, policies, status and plan. Pure functions."""
