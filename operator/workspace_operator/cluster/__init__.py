"""Adapter of the Kubernetes API on the official client: access, Workspace resources and Secrets."""
