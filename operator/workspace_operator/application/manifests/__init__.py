"""Manifests without a cluster: apply and plan."""
