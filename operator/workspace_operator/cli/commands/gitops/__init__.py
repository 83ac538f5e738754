"""Commands about manifests and clusters that need no database."""
