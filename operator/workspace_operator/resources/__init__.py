"""The custom resource: its models, rules and schema, and parsing of manifests, without a cluster."""
