"""The entity Workspace: its owner, its settings, the counts of its people, and spec versions."""
