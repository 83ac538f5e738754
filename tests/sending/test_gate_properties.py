"""What the gate never does, for any message, person, modes and circumstances (sending §3)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.sending.builders import (
    DAY,
    NOW,
    OFFER,
    PERSON,
    SUPPRESSED,
    TEST_ADDRESS,
    UNSUBSCRIBED,
    circumstances,
    keys,
    mailboxes,
)
from tests.sending.builders import message as message_of
from workspace_operator.sending.addresses import mailbox_keys
from workspace_operator.sending.deliveries import FINAL_STATES, Channel
from workspace_operator.sending.gate import Circumstances, Hold, Pass, Wait, gate
from workspace_operator.sending.messages import Message, MessageContent
from workspace_operator.sending.rules import SendingRules, SendMode, is_stricter

SENDER = mailboxes("Shop <hello@shop.example>")[0]
PEOPLE = [f"{name}@shop.example" for name in "abcdef"]

T = TypeVar("T")


def mostly(value: T, strategy: SearchStrategy[T]) -> SearchStrategy[T]:
    """A value in most examples, so that each line of the table decides about some."""
    return st.one_of(*[st.just(value)] * 5, strategy)


people = st.lists(st.sampled_from(PEOPLE), max_size=3).map(", ".join).map(mailboxes)
modes = st.sampled_from([*SendMode])
modes_and_unknown = st.sampled_from([*SendMode, *SendMode, None])

messages = st.builds(
    Message,
    delivery_id=st.just("0" * 24),
    channel=mostly(Channel.EMAIL, st.sampled_from(Channel)),
    accepted_mode=modes_and_unknown,
    is_draft=mostly(value=False, strategy=st.booleans()),
    due_at=mostly(NOW, st.sampled_from([NOW - DAY, NOW - 2 * DAY, NOW + DAY])),
    to=people,
    cc=people,
    bcc=people,
    is_copy=st.booleans(),
    tracked=st.booleans(),
    open_tracking=st.booleans(),
    link_tracking=st.booleans(),
    send_to_unsubscribed=mostly(value=True, strategy=st.booleans()),
    content=st.just(MessageContent(subject="Receipt")),
)
# More than a workspace can have: text that is no address, and an address in modes that have none.
test_addresses = mostly(
    TEST_ADDRESS, st.sampled_from([None, "QA <qa@example.com>", "", "nobody", f"{TEST_ADDRESS}, {PEOPLE[0]}"])
)
sending_rules = st.builds(
    SendingRules,
    mode=modes_and_unknown,
    test_address=test_addresses,
    open_tracking=st.booleans(),
    transport=st.sampled_from([None, "fast"]),
    sender=st.none(),
    send_version=st.integers(1, 9),
)
all_circumstances = st.builds(
    Circumstances,
    now=st.just(NOW),
    rules=st.one_of(*[sending_rules] * 5, st.none()),
    recipient=mostly(None, st.sampled_from([PERSON, SUPPRESSED, UNSUBSCRIBED])),
    blocked=mostly(frozenset(), st.frozensets(st.sampled_from([*PEOPLE, TEST_ADDRESS]))),
    transport=mostly(OFFER, st.sampled_from([None, replace(OFFER, sender_domains=frozenset({"other.example"}))])),
    rate_free_at=mostly(None, st.just(NOW + timedelta(seconds=1))),
    sender=mostly(SENDER, st.none()),
)
cases = st.tuples(messages, all_circumstances)
Case = tuple[Message, Circumstances]


def with_mode(around: Circumstances, mode: SendMode | None) -> Circumstances:
    assert around.rules is not None
    return replace(around, rules=replace(around.rules, mode=mode))


def addressed(message: Message) -> frozenset[str]:
    return mailbox_keys((*message.to, *message.cc, *message.bcc))


@given(cases, st.booleans())
def test_never_lets_nothing_pass(case: Case, at_accept: bool) -> None:
    message, around = case
    assume(around.rules)
    around = around if at_accept else with_mode(around, SendMode.NEVER)
    message = replace(message, accepted_mode=SendMode.NEVER) if at_accept else message

    assert not isinstance(gate(message, around), Pass)


@given(cases, st.booleans())
def test_email_in_test_goes_to_the_test_address_only(case: Case, at_accept: bool) -> None:
    message, around = case
    assume(around.rules)
    around = around if at_accept else with_mode(around, SendMode.TEST)
    message = replace(
        message, channel=Channel.EMAIL, accepted_mode=SendMode.TEST if at_accept else message.accepted_mode
    )

    decision = gate(message, around)

    if isinstance(decision, Pass):
        assert around.rules is not None
        assert around.rules.mode is SendMode.TEST
        assert (keys(decision.envelope), keys(decision.to), decision.cc) == ((TEST_ADDRESS,), (TEST_ADDRESS,), ())
        assert [mailbox.name for mailbox in decision.to] == [""]
        assert not decision.keeps_reply_to
        assert decision.tracking.is_test
        assert decision.diverted_to == TEST_ADDRESS


@given(cases)
def test_message_passes_only_if_both_modes_allow_it(case: Case) -> None:
    message, around = case

    decision = gate(message, around)

    if isinstance(decision, Pass):
        assert around.rules is not None
        allowed = {message.accepted_mode, around.rules.mode}
        assert allowed <= {SendMode.NORMAL, SendMode.TEST}
        assert decision.mode is (SendMode.TEST if SendMode.TEST in allowed else SendMode.NORMAL)
        assert decision.rule == {SendMode.TEST: 13, SendMode.NORMAL: 14}[decision.mode]


@given(cases)
def test_people_get_email_only_if_both_modes_are_normal(case: Case) -> None:
    message, around = case

    decision = gate(message, around)

    if (
        isinstance(decision, Pass)
        and message.channel is Channel.EMAIL
        and addressed(message) & mailbox_keys(decision.envelope)
    ):
        assert around.rules is not None
        assert message.accepted_mode is around.rules.mode is SendMode.NORMAL


@given(cases, st.sampled_from(["rules", "mode in force", "mode at accept"]))
def test_what_is_unknown_lets_messages_wait_at_most(case: Case, unknown: str) -> None:
    message, around = case
    assume(around.rules)
    message = replace(message, accepted_mode=None) if unknown == "mode at accept" else message
    around = with_mode(around, None) if unknown == "mode in force" else around
    around = replace(around, rules=None) if unknown == "rules" else around

    decision = gate(message, around)

    if isinstance(decision, Hold):
        assert unknown != "rules"
        assert (decision.rule, message.due_at) == (7, NOW - 2 * DAY)
    else:
        assert isinstance(decision, Wait)


@given(cases)
def test_pixel_is_there_only_if_open_tracking_is_in_force(case: Case) -> None:
    message, around = case

    decision = gate(message, around)

    if isinstance(decision, Pass):
        assert around.rules is not None
        assert decision.tracking.pixel == (around.rules.open_tracking and message.open_tracking and message.tracked)
        assert decision.tracking.links == (message.link_tracking and message.tracked)


@given(cases, modes, modes)
def test_stricter_mode_passes_nothing_that_a_looser_one_held(case: Case, one: SendMode, other: SendMode) -> None:
    message, around = case
    assume(around.rules and one is not other)
    stricter, looser = (one, other) if is_stricter(one, other) else (other, one)

    held, decision = gate(message, with_mode(around, looser)), gate(message, with_mode(around, stricter))

    # Line 12 has no counterpart in Test: a message accepted in Test goes to the test address while that is in force.
    if isinstance(held, Hold | Wait) and held.rule != 12:
        assert not isinstance(decision, Pass)


@given(cases, modes, modes)
def test_stricter_mode_reaches_nobody_but_the_test_address_in_addition(
    case: Case, one: SendMode, other: SendMode
) -> None:
    message, around = case
    assume(around.rules and one is not other)
    stricter, looser = (one, other) if is_stricter(one, other) else (other, one)

    before, after = (reached(message, with_mode(around, mode)) for mode in (looser, stricter))

    assert after <= before | {TEST_ADDRESS}


def reached(message: Message, around: Circumstances) -> frozenset[str]:
    decision = gate(message, around)
    return mailbox_keys(decision.envelope) if isinstance(decision, Pass) else frozenset()


@given(cases, modes_and_unknown, modes_and_unknown)
def test_mode_at_accept_is_as_strict_as_the_mode_in_force(
    case: Case, accepted: SendMode | None, in_force: SendMode | None
) -> None:
    message, around = case
    assume(around.rules)

    decision = gate(replace(message, accepted_mode=accepted), with_mode(around, in_force))
    mirrored = gate(replace(message, accepted_mode=in_force), with_mode(around, accepted))

    # They differ only in the test address, which is one that is in force.
    if SendMode.TEST not in (accepted, in_force):
        assert decision == mirrored


@given(cases)
def test_nobody_suppressed_or_blocked_gets_a_message(case: Case) -> None:
    message, around = case

    decision = gate(message, around)

    if isinstance(decision, Pass):
        assert around.recipient is None or not around.recipient.is_suppressed
        assert not around.blocked & mailbox_keys((*decision.envelope, *decision.to, *decision.cc)) - {TEST_ADDRESS}


@given(cases)
def test_envelope_of_an_email_names_each_recipient_once(case: Case) -> None:
    message, around = case
    message = replace(message, channel=Channel.EMAIL)

    decision = gate(message, around)

    if isinstance(decision, Pass):
        assert decision.envelope
        assert len(mailbox_keys(decision.envelope)) == len(decision.envelope)
        assert mailbox_keys((*decision.to, *decision.cc)) <= mailbox_keys(decision.envelope)


@given(cases)
def test_hold_is_final_and_wait_is_later(case: Case) -> None:
    message, around = case

    decision = gate(message, around)

    if isinstance(decision, Hold):
        assert decision.state in FINAL_STATES
    if isinstance(decision, Wait):
        assert decision.until is None or decision.until >= NOW
        assert (decision.until is None) == (decision.rule == 5)


@given(cases)
def test_everything_ends_once_it_is_too_late(case: Case) -> None:
    message, around = case
    assume(around.rules)
    message = replace(message, is_draft=False)
    long_after = datetime(2030, 1, 1, tzinfo=NOW.tzinfo)

    assert isinstance(gate(message, replace(around, now=long_after)), Hold)


def test_examples_reach_every_line() -> None:
    # Otherwise the properties above would hold for want of examples.
    reached = set()

    @settings(max_examples=600, derandomize=True, phases=[Phase.generate])
    @given(cases)
    def collect(case: Case) -> None:
        reached.add(gate(*case).rule)

    collect()

    assert reached == {1, *range(3, 15)}


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("accepted", [*SendMode, None])
@pytest.mark.parametrize("in_force", [*SendMode, None])
def test_every_channel_and_mode_has_a_decision(
    channel: Channel, accepted: SendMode | None, in_force: SendMode | None
) -> None:
    decision = gate(message_of(accepted, channel=channel), circumstances(in_force))

    known = None not in (accepted, in_force)
    assert isinstance(decision, Pass) == (
        known
        and SendMode.NEVER not in (accepted, in_force)
        and (channel is not Channel.EMAIL or (accepted, in_force) != (SendMode.TEST, SendMode.NORMAL))
    )
