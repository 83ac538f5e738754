"""Kopf's side: it watches, we attend. Nothing here writes to the cluster or keeps state on objects."""
