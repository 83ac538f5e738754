"""What kubectl and the API server do with a manifest: YAML, metadata and validation."""
