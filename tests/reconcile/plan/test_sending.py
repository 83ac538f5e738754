"""What a change of the sending rules does to the messages that wait (sending §4.4)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from workspace_operator.reconcile.plan.sending import PlannedSending, SendingPreview
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import Settings

NORMAL = Settings(display_name="Shop")
TEST = replace(NORMAL, send_mode=SendMode.TEST, test_address="qa@example.com")
NEVER = replace(NORMAL, send_mode=SendMode.NEVER)
BUSY = SendingPreview(
    waiting=12,
    accepted_in_normal=5,
    next_due_at=datetime(2026, 11, 29, 14, tzinfo=UTC),
    in_flight=3,
    tracking_templates=7,
)
NEXT = " (the next: 2026-11-29 14:00 UTC)"
NOW = "; 3 are being handed over now, under the rules in force"
ONE_NOW = "; 1 is being handed over now, under the rules in force"
HELD = f"12 waiting messages would not be sent if Never is still in force when they are due{NEXT}{NOW}"
RELEASED = (
    "messages accepted from now on go to people; 5 messages accepted in Normal before would go to people, 7 accepted "
    f"in Test or Never would not be sent{NOW}"
)
TRACKING_OFF = (
    "open tracking off: no pixel from now on, and opens of earlier messages are not counted; 7 templates ask for one"
)


def effects(before: Settings, after: Settings, preview: SendingPreview = BUSY) -> tuple[str, ...]:
    return PlannedSending(before=before, after=after, preview=preview).effects


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            NORMAL,
            NEVER,
            f"Normal → Never: {HELD}",
        ),
        (
            TEST,
            NEVER,
            f"Test → Never: {HELD}",
        ),
        (NORMAL, TEST, f"Normal → Test: 12 waiting messages would go to qa@example.com only{NEXT}{NOW}"),
        (NEVER, TEST, f"Never → Test: 12 waiting messages would go to qa@example.com only{NEXT}{NOW}"),
        (
            TEST,
            replace(TEST, test_address="b@example.com"),
            f"12 waiting messages would go to b@example.com only{NEXT}{NOW}",
        ),
        (
            NEVER,
            NORMAL,
            f"Never → Normal: {RELEASED}",
        ),
        (
            TEST,
            NORMAL,
            f"Test → Normal: {RELEASED}",
        ),
        (
            NORMAL,
            replace(NORMAL, open_tracking=False),
            TRACKING_OFF,
        ),
        (
            replace(NORMAL, open_tracking=False),
            NORMAL,
            "open tracking on: messages handed over from now on can have a pixel; 7 templates ask for one",
        ),
        (
            NORMAL,
            replace(NORMAL, transport="bulk"),
            f"transport default → bulk: 12 waiting messages would be handed over to bulk{NOW}",
        ),
    ],
)
def test_each_change_has_its_effect(before: Settings, after: Settings, expected: str) -> None:
    assert effects(before, after) == (expected,)


def test_several_changes_have_several_effects() -> None:
    found = effects(NORMAL, replace(NEVER, open_tracking=False, transport="bulk"))

    assert [effect.split(":")[0] for effect in found] == [
        "Normal → Never",
        "open tracking off",
        "transport default → bulk",
    ]


@pytest.mark.parametrize("after", [replace(NORMAL, color="FF0000"), replace(NORMAL, transport="default")])
def test_other_changes_have_none(after: Settings) -> None:
    assert effects(NORMAL, after) == ()


@pytest.mark.parametrize(
    ("preview", "expected"),
    [
        ({}, "Normal → Test: 0 waiting messages would go to qa@example.com only"),
        (
            {"waiting": 1, "in_flight": 1},
            f"Normal → Test: 1 waiting message would go to qa@example.com only{ONE_NOW}",
        ),
    ],
)
def test_numbers_have_their_nouns(preview: dict[str, Any], expected: str) -> None:
    assert effects(NORMAL, TEST, SendingPreview(**preview)) == (expected,)


def test_one_template_asks() -> None:
    (found,) = effects(NORMAL, replace(NORMAL, open_tracking=False), SendingPreview(tracking_templates=1))

    assert found.endswith("; 1 template asks for one")
