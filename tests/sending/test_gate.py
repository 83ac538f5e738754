"""The decision table of sending §3.2 and the table of modes of sending §3.4, line by line; the order of the lines."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.sending.builders import (
    ANN,
    BOB,
    CLEO,
    DAY,
    MINUTE,
    NOW,
    OFFER,
    SUPPRESSED,
    TEST_ADDRESS,
    UNSUBSCRIBED,
    circumstances,
    keys,
    mailboxes,
    message,
    rules,
)
from workspace_operator.sending.deliveries import Channel, DeliveryState
from workspace_operator.sending.gate import (
    ACCEPTED_IN_TEST,
    DISABLED,
    LINES,
    GateDecision,
    Hold,
    Pass,
    Wait,
    _pass,
    gate,
)
from workspace_operator.sending.messages import Message
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer

NORMAL, TEST, NEVER, UNKNOWN = SendMode.NORMAL, SendMode.TEST, SendMode.NEVER, None
UNDELIVERABLE, DROPPED, FAILED = DeliveryState.UNDELIVERABLE, DeliveryState.DROPPED, DeliveryState.FAILED
OTHER_CHANNELS = [channel for channel in Channel if channel is not Channel.EMAIL]

Changes = dict[str, Any]
Expected = tuple[type[GateDecision], int, Any]
"""The kind of a decision, its line, and the state of a Hold, the time of a Wait, or the envelope of a Pass."""

LATE: Changes = {"due_at": NOW - DAY - MINUTE}
ANN_BLOCKED: Changes = {"blocked": frozenset({ANN})}
OTHER_SENDER: Changes = {"sender": mailboxes("a@other.example")[0]}
NOT_FOR_UNSUBSCRIBED: Changes = {"send_to_unsubscribed": False}
STRANGE: Changes = {"in_force": UNKNOWN}

# The sentence, the changes of the message and of the circumstances, and the decisions for e-mail and other channels.
ROWS: list[tuple[str, Changes, Changes, Expected, Expected]] = [
    (
        "1: the rules could not be read: wait, and nothing has begun",
        {},
        {"rules": None},
        (Wait, 1, NOW),
        (Wait, 1, NOW),
    ),
    (
        "3: the mode in force is unknown: wait a minute",
        {},
        STRANGE,
        (Wait, 3, NOW + MINUTE),
        (Wait, 3, NOW + MINUTE),
    ),
    (
        "3: the mode at accept is unknown: wait a minute",
        {"accepted_mode": UNKNOWN},
        {},
        (Wait, 3, NOW + MINUTE),
        (Wait, 3, NOW + MINUTE),
    ),
    (
        "3: an unknown mode waits in Never too",
        {"accepted_mode": UNKNOWN},
        {"in_force": NEVER},
        (Wait, 3, NOW + MINUTE),
        (Wait, 3, NOW + MINUTE),
    ),
    (
        "3: a draft of an unknown mode waits, however old it is",
        {"is_draft": True, **LATE},
        STRANGE,
        (Wait, 3, NOW + MINUTE),
        (Wait, 3, NOW + MINUTE),
    ),
    ("3: line 7 ends the wait for an unknown mode", LATE, STRANGE, (Hold, 7, UNDELIVERABLE), (Hold, 7, UNDELIVERABLE)),
    (
        "4: Never is in force: undeliverable",
        {},
        {"in_force": NEVER},
        (Hold, 4, UNDELIVERABLE),
        (Hold, 4, UNDELIVERABLE),
    ),
    (
        "4: Never was in force at accept: undeliverable",
        {"accepted_mode": NEVER},
        {},
        (Hold, 4, UNDELIVERABLE),
        (Hold, 4, UNDELIVERABLE),
    ),
    ("5: a draft waits for a person", {"is_draft": True}, {}, (Wait, 5, None), (Wait, 5, None)),
    ("5: a draft is never too late", {"is_draft": True, **LATE}, {}, (Wait, 5, None), (Wait, 5, None)),
    ("6: it is due later: wait until then", {"due_at": NOW + DAY}, {}, (Wait, 6, NOW + DAY), (Wait, 6, NOW + DAY)),
    (
        "6: it is due at this moment: it passes",
        {"due_at": NOW},
        {},
        (Pass, 14, (ANN,)),
        (Pass, 14, (ANN,)),
    ),
    (
        "7: it was due more than 24 hours ago: undeliverable",
        LATE,
        {},
        (Hold, 7, UNDELIVERABLE),
        (Hold, 7, UNDELIVERABLE),
    ),
    ("7: it was due 24 hours ago: it passes", {"due_at": NOW - DAY}, {}, (Pass, 14, (ANN,)), (Pass, 14, (ANN,))),
    (
        "7: another limit is set: undeliverable after that",
        {"due_at": NOW - 2 * MINUTE},
        {"too_late": MINUTE},
        (Hold, 7, UNDELIVERABLE),
        (Hold, 7, UNDELIVERABLE),
    ),
    ("8: the person is suppressed: dropped", {}, {"recipient": SUPPRESSED}, (Hold, 8, DROPPED), (Hold, 8, DROPPED)),
    ("8: the address is suppressed or blocked: dropped", {}, ANN_BLOCKED, (Hold, 8, DROPPED), (Pass, 14, ())),
    (
        "8: one of two addresses is blocked: the other one gets it",
        {"to": mailboxes(f"{ANN}, {BOB}")},
        ANN_BLOCKED,
        (Pass, 14, (BOB,)),
        (Pass, 14, (BOB,)),
    ),
    ("8: it has no address: dropped", {"to": ()}, {}, (Hold, 8, DROPPED), (Pass, 14, ())),
    ("8: it names no person: it passes", {}, {"recipient": None}, (Pass, 14, (ANN,)), (Pass, 14, (ANN,))),
    (
        "9: the person unsubscribed and it is not for them: undeliverable",
        NOT_FOR_UNSUBSCRIBED,
        {"recipient": UNSUBSCRIBED},
        (Hold, 9, UNDELIVERABLE),
        (Hold, 9, UNDELIVERABLE),
    ),
    (
        "9: the person unsubscribed and it is for them: it passes",
        {},
        {"recipient": UNSUBSCRIBED},
        (Pass, 14, (ANN,)),
        (Pass, 14, (ANN,)),
    ),
    ("9: the person did not unsubscribe: it passes", NOT_FOR_UNSUBSCRIBED, {}, (Pass, 14, (ANN,)), (Pass, 14, (ANN,))),
    (
        "9: it names no person, and nobody unsubscribed: it passes",
        NOT_FOR_UNSUBSCRIBED,
        {"recipient": None},
        (Pass, 14, (ANN,)),
        (Pass, 14, (ANN,)),
    ),
    (
        "10: no transport of that name is offered: wait a minute",
        {},
        {"transport": None},
        (Wait, 10, NOW + MINUTE),
        (Pass, 14, (ANN,)),
    ),
    ("10: the transport does not allow the sender: failed", {}, OTHER_SENDER, (Hold, 10, FAILED), (Pass, 14, (ANN,))),
    ("10: before it is rendered the sender is unknown", {}, {"sender": None}, (Pass, 14, (ANN,)), (Pass, 14, (ANN,))),
    (
        "11: the rate is used up: wait until it allows a message",
        {},
        {"rate_free_at": NOW + MINUTE},
        (Wait, 11, NOW + MINUTE),
        (Pass, 14, (ANN,)),
    ),
    (
        "12: it was accepted in Test, and Normal is in force: undeliverable",
        {"accepted_mode": TEST},
        {},
        (Hold, 12, UNDELIVERABLE),
        (Pass, 13, (ANN,)),
    ),
    (
        "12: a row says Test and has no test address: undeliverable",
        {},
        {"rules": rules(TEST, test_address=None)},
        (Hold, 12, UNDELIVERABLE),
        (Pass, 13, (ANN,)),
    ),
    (
        "12: a row says Test and its test address is none: undeliverable",
        {},
        {"rules": rules(TEST, test_address="nobody")},
        (Hold, 12, UNDELIVERABLE),
        (Pass, 13, (ANN,)),
    ),
    (
        "12: a row says Test and has two test addresses: undeliverable",
        {},
        {"rules": rules(TEST, test_address=f"{TEST_ADDRESS}, {BOB}")},
        (Hold, 12, UNDELIVERABLE),
        (Pass, 13, (ANN,)),
    ),
    (
        "12: Normal is in force, and a test address is left: it does not count",
        {"accepted_mode": TEST},
        {"rules": rules(NORMAL, test_address=TEST_ADDRESS)},
        (Hold, 12, UNDELIVERABLE),
        (Pass, 13, (ANN,)),
    ),
    (
        "12: a test sends no copies for Bcc: undeliverable",
        {"is_copy": True},
        {"in_force": TEST},
        (Hold, 12, UNDELIVERABLE),
        (Pass, 13, (ANN,)),
    ),
    (
        "13: Test is in force: to the test address only",
        {"to": mailboxes(f"{ANN}, {BOB}"), "cc": mailboxes(CLEO), "bcc": mailboxes("d@shop.example")},
        {"in_force": TEST},
        (Pass, 13, (TEST_ADDRESS,)),
        (Pass, 13, (ANN, BOB, CLEO, "d@shop.example")),
    ),
    (
        "14: Normal is in force: as addressed",
        {"to": mailboxes(ANN), "cc": mailboxes(BOB), "bcc": mailboxes(CLEO)},
        {},
        (Pass, 14, (ANN, BOB, CLEO)),
        (Pass, 14, (ANN, BOB, CLEO)),
    ),
    (
        "14: Cc and Bcc that are suppressed or blocked are left out",
        {"to": mailboxes("d@shop.example"), "cc": mailboxes(f"{ANN}, {BOB}"), "bcc": mailboxes(CLEO)},
        {"blocked": frozenset({ANN, CLEO})},
        (Pass, 14, ("d@shop.example", BOB)),
        (Pass, 14, ("d@shop.example", BOB)),
    ),
    (
        "14: an address that is named twice gets one message",
        {"to": mailboxes(f"{ANN}, Ann <ANN@Shop.example>"), "cc": mailboxes(ANN)},
        {},
        (Pass, 14, (ANN,)),
        (Pass, 14, (ANN,)),
    ),
    (
        "14: a copy for Bcc goes as addressed",
        {"is_copy": True},
        {},
        (Pass, 14, (ANN,)),
        (Pass, 14, (ANN,)),
    ),
]


def decided(decision: GateDecision) -> Expected:
    """A decision as the table writes it."""
    match decision:
        case Pass():
            return Pass, decision.rule, keys(decision.envelope)
        case Hold():
            return Hold, decision.rule, decision.state
        case Wait():
            return Wait, decision.rule, decision.until


@pytest.mark.parametrize(
    ("changes", "around", "expected"),
    [pytest.param(changes, around, expected, id=sentence) for sentence, changes, around, expected, _ in ROWS],
)
def test_first_line_that_holds_decides_about_email(changes: Changes, around: Changes, expected: Expected) -> None:
    assert decided(gate(message(**changes), circumstances(**around))) == expected


@pytest.mark.parametrize("channel", OTHER_CHANNELS)
@pytest.mark.parametrize(
    ("changes", "around", "expected"),
    [pytest.param(changes, around, expected, id=sentence) for sentence, changes, around, _, expected in ROWS],
)
def test_first_line_that_holds_decides_about_other_channels(
    channel: Channel, changes: Changes, around: Changes, expected: Expected
) -> None:
    assert decided(gate(message(**changes, channel=channel), circumstances(**around))) == expected


def test_every_line_has_a_row() -> None:
    lines = {email[1] for _, _, _, email, _ in ROWS}

    # Line 2 is about a workspace that is gone, and its deliveries with it.
    assert lines == {1, *range(3, 15)}
    assert len(LINES) == len(lines - {13, 14})


# Of each line, what makes it hold no longer, when all lines held at first.
CURES: list[tuple[int, Changes, Changes]] = [
    (1, {}, {"rules": rules(UNKNOWN)}),
    (3, {}, {"rules": rules(NORMAL)}),
    (4, {"accepted_mode": TEST}, {}),
    (5, {"is_draft": False}, {}),
    (6, {"due_at": NOW - 2 * DAY}, {}),
    (7, {"due_at": NOW}, {}),
    (8, {}, {"recipient": UNSUBSCRIBED}),
    (9, {"send_to_unsubscribed": True}, {}),
    (10, {}, {"transport": OFFER}),
    (11, {}, {"rate_free_at": None}),
    (12, {}, {"rules": rules(TEST)}),
]


def test_lines_are_asked_in_order() -> None:
    asked = message(NEVER, is_draft=True, due_at=NOW + DAY, send_to_unsubscribed=False)
    around = circumstances(rules=None, recipient=SUPPRESSED, transport=None, rate_free_at=NOW + MINUTE)
    decided_by = []

    for _, changes, changes_around in CURES:
        decided_by.append(gate(asked, around).rule)
        asked, around = replace(asked, **changes), replace(around, **changes_around)

    assert decided_by == [line for line, _, _ in CURES]
    assert gate(asked, around).rule == 13


@pytest.mark.parametrize(
    ("accepted", "in_force", "expected"),
    [
        pytest.param(NORMAL, NORMAL, (Pass, 14, (ANN,)), id="Normal, then Normal: as addressed"),
        pytest.param(NORMAL, TEST, (Pass, 13, (TEST_ADDRESS,)), id="Normal, then Test: to the test address"),
        pytest.param(NORMAL, NEVER, (Hold, 4, UNDELIVERABLE), id="Normal, then Never: nowhere"),
        pytest.param(TEST, NORMAL, (Hold, 12, UNDELIVERABLE), id="Test, then Normal: nowhere, never to people"),
        pytest.param(TEST, TEST, (Pass, 13, (TEST_ADDRESS,)), id="Test, then Test: to the test address in force"),
        pytest.param(TEST, NEVER, (Hold, 4, UNDELIVERABLE), id="Test, then Never: nowhere"),
        pytest.param(NEVER, NORMAL, (Hold, 4, UNDELIVERABLE), id="Never, then Normal: nowhere"),
        pytest.param(NEVER, TEST, (Hold, 4, UNDELIVERABLE), id="Never, then Test: nowhere"),
        pytest.param(NEVER, NEVER, (Hold, 4, UNDELIVERABLE), id="Never, then Never: nowhere"),
        pytest.param(NORMAL, UNKNOWN, (Wait, 3, NOW + MINUTE), id="Normal, then unknown: waits"),
        pytest.param(TEST, UNKNOWN, (Wait, 3, NOW + MINUTE), id="Test, then unknown: waits"),
        pytest.param(NEVER, UNKNOWN, (Wait, 3, NOW + MINUTE), id="Never, then unknown: waits"),
        pytest.param(UNKNOWN, NORMAL, (Wait, 3, NOW + MINUTE), id="unknown, then Normal: waits"),
    ],
)
def test_stricter_of_two_modes_counts(accepted: SendMode | None, in_force: SendMode | None, expected: Expected) -> None:
    assert decided(gate(message(accepted), circumstances(in_force))) == expected


def test_test_address_in_force_at_hand_over_counts() -> None:
    decision = gate(message(TEST), circumstances(rules(TEST, test_address="new@example.com")))

    assert isinstance(decision, Pass)
    assert decision.diverted_to == "new@example.com"


@pytest.mark.parametrize(
    ("changes", "around", "reason"),
    [
        ({}, {"in_force": NEVER}, DISABLED),
        ({"accepted_mode": TEST}, {}, ACCEPTED_IN_TEST),
        ({"is_copy": True}, {"in_force": TEST}, "a test sends no copies"),
        (LATE, {}, "too late: it was due more than 24 h ago"),
        (LATE, {"too_late": timedelta(minutes=90)}, "too late: it was due more than 1.5 h ago"),
        ({}, {"recipient": SUPPRESSED}, "the person is suppressed"),
        ({}, ANN_BLOCKED, "the address is suppressed or blocked"),
        (NOT_FOR_UNSUBSCRIBED, {"recipient": UNSUBSCRIBED}, "the person unsubscribed"),
        ({}, OTHER_SENDER, "the transport 'default' does not allow the sender's domain 'other.example'"),
        ({}, {"transport": None}, "no transport 'default' is offered to this namespace"),
        (
            {},
            {"rules": rules(transport="fast"), "transport": None},
            "no transport 'fast' is offered to this namespace",
        ),
    ],
)
def test_decisions_say_why(changes: Changes, around: Changes, reason: str) -> None:
    decision = gate(message(**changes), circumstances(**around))

    assert isinstance(decision, Hold | Wait)
    assert decision.reason == reason


@pytest.mark.parametrize("mode", ["Test", "Never"])
def test_text_in_place_of_a_mode_never_passes_an_email(mode: str) -> None:
    # What a store that forgets to convert would hand over: types forbid it, and the gate does not rely on them.
    around = circumstances(replace(rules(TEST), mode=cast("SendMode", mode)))

    with pytest.raises(AssertionError, match="decides about"):
        gate(message(NORMAL), around)


def test_text_in_place_of_a_channel_is_an_email() -> None:
    asked = message(channel=cast("Channel", "email"))

    assert decided(gate(asked, circumstances(TEST))) == (Pass, 13, (TEST_ADDRESS,))


@pytest.mark.parametrize("strange", [message(channel=cast("Channel", "fax")), message(cast("SendMode", "Loud"))])
def test_value_that_the_gate_does_not_know_never_passes(strange: Message) -> None:
    with pytest.raises((AssertionError, KeyError)):
        gate(strange, circumstances())


@pytest.mark.parametrize("around", [{"rules": None}, STRANGE])
def test_lines_that_pass_require_rules_and_a_mode(around: Changes) -> None:
    with pytest.raises(AssertionError, match="lines 1 and 3"):
        _pass(message(), circumstances(**around))


def test_any_sender_is_allowed_only_if_the_transport_says_so() -> None:
    offer = TransportOffer(name="mailpit", sender_domains=frozenset({"*"}), namespaces=frozenset({"*"}))

    assert isinstance(gate(message(), circumstances(transport=offer, **OTHER_SENDER)), Pass)
