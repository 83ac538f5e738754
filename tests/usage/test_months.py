"""Calendar months in UTC, and the usage of an account as a sum."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.workspaces.usage import (
    AccountUsage,
    WorkspaceUsage,
    month_of,
    parse_month,
    total_usage,
)


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC), "2026-11"),
        (datetime(2026, 12, 1, tzinfo=UTC), "2026-12"),
        (datetime(2026, 12, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-11"),
    ],
)
def test_month_is_that_of_utc(moment: datetime, month: str) -> None:
    assert month_of(moment) == month


def test_month_is_parsed() -> None:
    assert parse_month("2026-01") == "2026-01"


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", "", "november"])
def test_other_text_is_no_month(text: str) -> None:
    with pytest.raises(InvalidInput, match="must be a year and a month, such as 2026-11") as raised:
        parse_month(text)

    assert raised.value.field == "month"


def test_account_uses_what_its_workspaces_use() -> None:
    crm = WorkspaceUsage(workspace_id=1, people=3, messages_sent=5)
    club = WorkspaceUsage(workspace_id=2, people=4, messages_sent=0)

    assert total_usage([crm, club]) == AccountUsage(workspaces=2, people=7, messages_sent=5)
    assert total_usage([]) == AccountUsage(workspaces=0, people=0, messages_sent=0)
