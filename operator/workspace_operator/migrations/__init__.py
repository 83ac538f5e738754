"""Identifier migrations as pure values: the allowed modes, the violations, and the stages."""
