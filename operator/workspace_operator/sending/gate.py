"""The gate: whether a message may leave now, to whom, and with what (sending §3).

The answer is acted on in one place only, the transaction that begins a hand-over. Preview, plan and explain ask the
gate too, and send nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

from workspace_operator.errors import InvalidInput
from workspace_operator.sending.addresses import Mailbox, parse_mailbox
from workspace_operator.sending.deliveries import TOO_LATE, Channel, DeliveryState
from workspace_operator.sending.messages import Message, Tracking
from workspace_operator.sending.rules import SendingRules, SendMode, strictest
from workspace_operator.sending.transports import TransportOffer

RETRY_UNKNOWN: Final = timedelta(seconds=60)
"""Delay of messages whose mode or transport is unknown to this process."""

DISABLED: Final = "delivery is disabled in this workspace"
ACCEPTED_IN_TEST: Final = "accepted in test: no test address is in force any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The person that a message is for, as the gate needs them; a suppressed one has no other data."""

    is_suppressed: bool
    is_unsubscribed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the gate decides on beside the message.

    Attributes:
        rules: in force in this transaction; None if they could not be read, or changed since the message was rendered.
        recipient: None for a message that names no person.
        blocked: e-mail keys of the message's addresses that are suppressed or blocked.
        transport: the offer that the workspace's rules name; None if this process does not offer it to the workspace.
        rate_free_at: when the rates of transport and workspace allow the next message; None for now.
        sender: the rendered From; None while the message is not rendered.
        too_late: how long after it was due a message is still sent.
    """

    now: datetime
    rules: SendingRules | None
    recipient: Recipient | None
    blocked: frozenset[str]
    transport: TransportOffer | None
    rate_free_at: datetime | None
    sender: Mailbox | None
    too_late: timedelta = TOO_LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The message may be handed over.

    Attributes:
        rule: the line of the decision table.
        envelope: recipients of the envelope, without repetitions.
        to: the To header; ``cc`` and ``reply_to`` likewise.
        original_to: the addresses that a test left out, for the ``X-Original-*`` headers; empty if nothing was.
        keeps_reply_to: whether Reply-To stays; in a test it may be another customer's address.
    """

    rule: int
    mode: SendMode
    envelope: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    original_to: tuple[Mailbox, ...]
    original_cc: tuple[Mailbox, ...]
    original_bcc: tuple[Mailbox, ...]
    keeps_reply_to: bool
    tracking: Tracking

    @property
    def diverted_to(self) -> str | None:
        """The test address, if the message goes there instead of to its recipients."""
        return self.envelope[0].address if self.original_to else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The message is never sent; ``state`` is final."""

    rule: int
    state: DeliveryState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The message is not sent now, but asked about again at ``until``; None: only a person continues it."""

    rule: int
    until: datetime | None
    reason: str


GateDecision: TypeAlias = Pass | Hold | Wait

Case: TypeAlias = tuple[Message, Circumstances]


def gate(message: Message, circumstances: Circumstances) -> GateDecision:
    """Decide about a message: the first line of the table that holds (sending §3.2)."""
    for line in LINES:
        decision = line(message, circumstances)
        if decision is not None:
            return decision
    return _pass(message, circumstances)


def mode_of(message: Message, circumstances: Circumstances) -> SendMode | None:
    """The mode that counts: the stricter of accept and hand-over; None if one of them is unknown."""
    rules = circumstances.rules
    return None if rules is None else strictest(message.accepted_mode, rules.mode)


def rules_unreadable(message: Message, circumstances: Circumstances) -> GateDecision | None:  # noqa: ARG001 - a line of the table
    """Line 1: the rules could not be read, or have changed since the message was rendered."""
    if circumstances.rules is not None:
        return None
    return Wait(rule=1, until=circumstances.now, reason="the sending rules could not be read")


def mode_unknown(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 3: a newer version wrote a mode that this one does not know."""
    if mode_of(message, circumstances) is not None or _is_too_late(message, circumstances):
        return None
    until = circumstances.now + RETRY_UNKNOWN
    return Wait(rule=3, until=until, reason="this version does not know the send behavior of the workspace")


def delivery_disabled(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 4: mode Never, now or when the message was accepted."""
    if mode_of(message, circumstances) is not SendMode.NEVER:
        return None
    return Hold(rule=4, state=DeliveryState.UNDELIVERABLE, reason=DISABLED)


def is_draft(message: Message, circumstances: Circumstances) -> GateDecision | None:  # noqa: ARG001 - a line of the table
    """Line 5: a draft waits until somebody sends it."""
    return Wait(rule=5, until=None, reason="it is a draft") if message.is_draft else None


def not_due(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 6: it is to be sent later."""
    if message.due_at <= circumstances.now:
        return None
    return Wait(rule=6, until=message.due_at, reason="it is to be sent later")


def too_late(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 7: it was due too long ago, as after an outage or in a copy of a database."""
    if not _is_too_late(message, circumstances):
        return None
    hours = circumstances.too_late / timedelta(hours=1)
    return Hold(rule=7, state=DeliveryState.UNDELIVERABLE, reason=f"too late: it was due more than {hours:g} h ago")


def suppressed(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 8: the person is suppressed, or every address in To is suppressed or blocked."""
    recipient = circumstances.recipient
    if recipient is not None and recipient.is_suppressed:
        return Hold(rule=8, state=DeliveryState.DROPPED, reason="the person is suppressed")
    if _is_email(message) and all(mailbox.key in circumstances.blocked for mailbox in message.to):
        return Hold(rule=8, state=DeliveryState.DROPPED, reason="the address is suppressed or blocked")
    return None


def unsubscribed(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 9: the person unsubscribed, and the message is not for people who did."""
    recipient = circumstances.recipient
    if message.send_to_unsubscribed or recipient is None or not recipient.is_unsubscribed:
        return None
    return Hold(rule=9, state=DeliveryState.UNDELIVERABLE, reason="the person unsubscribed")


def no_transport(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 10: the transport is not offered to the workspace, or does not allow the sender."""
    rules, transport, sender = circumstances.rules, circumstances.transport, circumstances.sender
    if not _is_email(message) or rules is None:
        return None
    if transport is None:
        until = circumstances.now + RETRY_UNKNOWN
        return Wait(rule=10, until=until, reason=f"no transport {rules.transport_name!r} is offered to this namespace")
    if sender is not None and not transport.accepts_sender(sender.domain):
        reason = f"the transport {transport.name!r} does not allow the sender's domain {sender.domain!r}"
        return Hold(rule=10, state=DeliveryState.FAILED, reason=reason)
    return None


def rate_used_up(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 11: the rate of the transport or of the workspace is used up."""
    if not _is_email(message) or circumstances.rate_free_at is None:
        return None
    return Wait(rule=11, until=circumstances.rate_free_at, reason="the rate is used up")


def test_without_address(message: Message, circumstances: Circumstances) -> GateDecision | None:
    """Line 12: it may go to a test address only, and none is in force; or it is a copy, which a test does not send."""
    if not _is_email(message) or mode_of(message, circumstances) is not SendMode.TEST:
        return None
    if _test_mailbox(circumstances) is None:
        return Hold(rule=12, state=DeliveryState.UNDELIVERABLE, reason=ACCEPTED_IN_TEST)
    if message.is_copy:
        return Hold(rule=12, state=DeliveryState.UNDELIVERABLE, reason="a test sends no copies")
    return None


LINES: tuple[Callable[[Message, Circumstances], GateDecision | None], ...] = (
    rules_unreadable,
    mode_unknown,
    delivery_disabled,
    is_draft,
    not_due,
    too_late,
    suppressed,
    unsubscribed,
    no_transport,
    rate_used_up,
    test_without_address,
)
"""The lines of sending §3.2 before the two that pass. Line 2 needs no rule: with the workspace, its deliveries go."""


def tracking_of(message: Message, rules: SendingRules, mode: SendMode) -> Tracking:
    """The pixel and links that a message carries under rules (sending §3.3)."""
    return Tracking(
        pixel=rules.open_tracking and message.open_tracking and message.tracked,
        links=message.link_tracking and message.tracked,
        is_test=mode is SendMode.TEST,
    )


def _pass(message: Message, circumstances: Circumstances) -> Pass:
    """Lines 13 and 14: to the test address only, or as addressed."""
    mode, rules = mode_of(message, circumstances), circumstances.rules
    if rules is None or mode is None:
        raise AssertionError("lines 1 and 3 decide about messages without rules or mode")
    tracking = tracking_of(message, rules, mode)
    match mode:
        case SendMode.NORMAL:
            return _as_addressed(message, circumstances, tracking, mode=mode, rule=14)
        case SendMode.TEST:
            return _pass_in_test(message, circumstances, tracking)
        case SendMode.NEVER:
            raise AssertionError("line 4 decides about mode Never")
        case _ as never:
            assert_never(never)


def _pass_in_test(message: Message, circumstances: Circumstances, tracking: Tracking) -> Pass:
    """Line 13: an e-mail to the test address and nobody else, other channels as addressed."""
    if not _is_email(message):
        return _as_addressed(message, circumstances, tracking, mode=SendMode.TEST, rule=13)
    test = _test_mailbox(circumstances)
    if test is None:
        raise AssertionError("line 12 decides about e-mails without a test address")
    return Pass(
        rule=13,
        mode=SendMode.TEST,
        envelope=(test,),
        to=(test,),
        cc=(),
        original_to=message.to,
        original_cc=message.cc,
        original_bcc=message.bcc,
        keeps_reply_to=False,
        tracking=tracking,
    )


def _as_addressed(
    message: Message, circumstances: Circumstances, tracking: Tracking, *, mode: SendMode, rule: int
) -> Pass:
    """To all recipients but those that are suppressed or blocked."""
    to, cc, bcc = (
        tuple(mailbox for mailbox in mailboxes if mailbox.key not in circumstances.blocked)
        for mailboxes in (message.to, message.cc, message.bcc)
    )
    return Pass(
        rule=rule,
        mode=mode,
        envelope=tuple({mailbox.key: mailbox for mailbox in (*to, *cc, *bcc)}.values()),
        to=to,
        cc=cc,
        original_to=(),
        original_cc=(),
        original_bcc=(),
        keeps_reply_to=True,
        tracking=tracking,
    )


def _test_mailbox(circumstances: Circumstances) -> Mailbox | None:
    """The test address in force; None without one, or if the stored text is no address."""
    rules = circumstances.rules
    if rules is None or rules.mode is not SendMode.TEST or rules.test_address is None:
        return None
    try:
        return replace(parse_mailbox(rules.test_address, field="testAddress"), name="")
    except InvalidInput:
        return None


def _is_email(message: Message) -> bool:
    """Whether a test goes to the test address; a new channel must be decided about here."""
    match message.channel:
        case Channel.EMAIL:
            return True
        case Channel.WEBHOOK | Channel.SLACK | Channel.PUSH | Channel.SMS:
            return False
        case _ as never:
            assert_never(never)


def _is_too_late(message: Message, circumstances: Circumstances) -> bool:
    return not message.is_draft and circumstances.now - message.due_at > circumstances.too_late
