"""The policies of a reconcile, one module per concern."""
