"""Use cases of manifests without a cluster: apply and plan."""
