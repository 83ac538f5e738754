"""Status, conditions, events and messages of a resource."""
