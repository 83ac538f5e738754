"""Ports of accounts, and of the audit log of what people and programs did."""

from workspace_operator.application.ports.accounts.accounts import Accounts

__all__ = ["Accounts"]
