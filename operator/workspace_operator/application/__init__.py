"""The use cases, and the ports through which they reach the store and the cluster."""
