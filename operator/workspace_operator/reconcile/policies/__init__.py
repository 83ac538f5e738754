"""What a reconcile decides, a policy a module."""
