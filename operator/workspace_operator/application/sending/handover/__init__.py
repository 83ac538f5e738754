"""The sender: takes turns on the rooms of workspaces, and acts on the gate in one transaction (sending §6.1)."""
