"""What a reconcile knows and wants: desired and observed state, actions and outcomes."""
