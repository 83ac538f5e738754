"""Imports of files as jobs: states, columns, and what an undo restores (imports §1 to §6). Pure."""
