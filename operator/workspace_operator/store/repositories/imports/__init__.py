"""The imports of workspaces."""
