"""Ports of accounts."""

from workspace_operator.application.ports.accounts.accounts import Accounts

__all__ = ["Accounts"]
