"""The Kubernetes API, through the official client: who we are, what the operator writes and asks."""
