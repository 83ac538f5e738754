"""What workspaces and accounts use: workspaces, people, and messages sent in a calendar month (accounts §5)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NewType

from workspace_operator.errors import InvalidInput

Month = NewType("Month", str)
"""A calendar month in UTC, as in ``2026-11``: months sort as texts do."""

_is_month = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])").fullmatch


def month_of(moment: datetime) -> Month:
    """The calendar month of a time, in UTC."""
    return Month(f"{moment.astimezone(UTC):%Y-%m}")


def parse_month(text: str) -> Month:
    """Parse a month. Raises InvalidInput."""
    if not _is_month(text):
        raise InvalidInput(f"{text!r} must be a year and a month, such as 2026-11", field="month")
    return Month(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceUsage:
    """The usage of one workspace: its people now, and the messages that it sent in a month."""

    workspace_id: int
    people: int
    messages_sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUsage:
    """The usage of all workspaces of an account."""

    workspaces: int
    people: int
    messages_sent: int


def total_usage(usages: Collection[WorkspaceUsage]) -> AccountUsage:
    """Add up the usage of the workspaces of an account."""
    return AccountUsage(
        workspaces=len(usages),
        people=sum(usage.people for usage in usages),
        messages_sent=sum(usage.messages_sent for usage in usages),
    )
