"""Changing a workspace's identifiers: the checks, the stages, what a switch means. Pure."""
