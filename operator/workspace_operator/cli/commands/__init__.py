"""The commands: one module for each group, imported by `cli.app` when the group is used."""
