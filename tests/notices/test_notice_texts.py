"""What notices say: counts, and how to get the report; no personal data."""

from typing import Any

import pytest

from tests.notices.notices import BLOCKED, COMPLETED, REFUSES, notice
from workspace_operator.application.accounts.notice_texts import notice_text
from workspace_operator.application.ports import NoticeKind

WORKSPACE = 'workspace "Nordlicht CRM" (marketing/crm)'


def test_blocked_change_has_counts_and_the_way_to_the_report() -> None:
    text = notice_text(notice())

    assert text.subject == f"{WORKSPACE}: the change to EmailOrID is blocked"
    assert f"The change of the identifiers of {WORKSPACE} from IDOnly to EmailOrID is blocked." in text.body
    assert "17 of 28 people block it; a person can have several violations:" in text.body
    assert "\n  duplicateEmail 11\n  invalidEmail 6\n" in text.body
    assert "suppressedEmail" not in text.body
    assert "  workspacectl exports get --workspace marketing/crm --latest -o FILE\n" in text.body
    assert 'because you are an admin of the account "acme"' in text.body


def test_blocked_change_links_to_the_console() -> None:
    """Without a token: whoever gets a copy of the mail signs in first."""
    text = notice_text(notice(), console_url="https://console.example")

    assert "what happens to each of them:\n\n  https://console.example/w/7/cleanup\n\nOr get their list" in text.body
    assert "  workspacectl exports get --workspace marketing/crm --latest -o FILE\n" in text.body


@pytest.mark.parametrize(
    ("kind", "details"), [(NoticeKind.MIGRATION_COMPLETED, COMPLETED), (NoticeKind.TRANSPORT_REFUSES, REFUSES)]
)
def test_other_notices_link_to_no_page(kind: NoticeKind, details: dict[str, Any]) -> None:
    made = notice(kind, details=details)

    assert notice_text(made, console_url="https://console.example") == notice_text(made)


def test_one_person_blocks() -> None:
    text = notice_text(notice(details=BLOCKED | {"people": 1, "blocking": 1}))

    assert "1 of 1 person blocks it" in text.body


def test_completed_change_has_the_mode_in_force() -> None:
    text = notice_text(notice(NoticeKind.MIGRATION_COMPLETED, details=COMPLETED))

    assert text.subject == f"{WORKSPACE}: the change to EmailOrID went through"
    assert "EmailOrID is in force for 28 people." in text.body
    assert "merges" not in text.body


def test_completed_change_tells_of_merges() -> None:
    text = notice_text(notice(NoticeKind.MIGRATION_COMPLETED, details=COMPLETED | {"merged": 3}))

    assert "3 people became part of another person" in text.body
    assert "  workspacectl merges list --workspace marketing/crm\n" in text.body


def test_refusing_transport_is_named_with_its_code() -> None:
    text = notice_text(notice(NoticeKind.TRANSPORT_REFUSES, details=REFUSES))

    assert text.subject == f"{WORKSPACE}: the transport bulk refuses messages"
    assert "for good, with code 550" in text.body
    assert "  workspacectl messages list --workspace marketing/crm --state failed\n" in text.body
    assert "at most once a day for each account and transport" in text.body
