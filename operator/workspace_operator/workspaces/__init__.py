"""The entity Workspace: who owns it, its settings, and how many people it has."""
