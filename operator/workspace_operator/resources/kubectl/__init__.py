"""How kubectl and the API server read a manifest: YAML, metadata and validation."""
