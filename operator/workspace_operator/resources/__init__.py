"""The custom resources: their models, the rules they keep, and the schema made of both. No cluster needed."""
