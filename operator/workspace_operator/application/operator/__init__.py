"""Use cases of the operator: the controller, the reconciler, credentials, heartbeats and orphans."""
