"""Workspaces as code: the operator, its worker and the workspacectl command."""
