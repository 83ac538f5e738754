"""The model of a reconcile: desired and observed state, actions and outcomes."""
