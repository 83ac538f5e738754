"""Ports of accounts, of those who sign in to the console, and of the audit log of what people and programs did."""

from workspace_operator.application.ports.accounts.accounts import Accounts
from workspace_operator.application.ports.accounts.sessions import ConsoleSession, Sessions, SignInLink

__all__ = ["Accounts", "ConsoleSession", "Sessions", "SignInLink"]
