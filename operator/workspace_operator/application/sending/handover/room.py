"""A sender's work on the queue of one workspace: claim, render, begin, hand over, and note outcomes (sending §6.1).

One transaction does three things for three batches: it notes the outcomes of one, begins the next, which is rendered
already, and claims the one after that. Rendering and handing over happen between transactions, and at the same time.
"""

import logging
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from workspace_operator.application.ports import (
    EndedAttempt,
    Handover,
    HandoverResult,
    RoomLease,
    SendingTransaction,
)
from workspace_operator.application.sending.gate_questions import offered_transports
from workspace_operator.application.sending.handover.setup import SenderSetup
from workspace_operator.application.sending.handover.transaction import (
    NOT_RENDERED,
    Begun,
    Prepared,
    StepResult,
    TransportState,
    run_step,
)
from workspace_operator.application.sending.render_jobs import render_job
from workspace_operator.errors import StaleRevision, StoreUnavailable
from workspace_operator.sending.deliveries import HANDOVER_SECONDS, AttemptOutcome, DeliveryState
from workspace_operator.sending.keys import Purpose
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.mime import compose, message_id_of
from workspace_operator.sending.outcomes import History, address_keys, follow_up
from workspace_operator.sending.rules import SendingRules, SendMode, strictest
from workspace_operator.sending.tokens import Token, sign
from workspace_operator.sending.transports import TransportOffer

logger = logging.getLogger(__name__)

MARGIN_SECONDS: Final = 2.0
"""A hand-over ends this long before its deadline in the store: clocks of machines are compared."""

FIRST_BATCH: Final = 16
TARGET_SECONDS: Final = 0.25
"""A batch is as large as the transport takes in this time, so that a stricter mode is in force soon."""

SLICE_SECONDS: Final = 1.0
"""After this time a room is given back, so that workspaces take turns."""

RENEWALS: Final = 4
"""How often a lease is renewed before it would end, also while a slow server is all that the room waits for."""

NOTE_SECONDS: Final = 0.2
"""Outcomes are noted at the latest after this time, if nothing else is to be written."""

STOP_SECONDS: Final = 25.0
"""How long a sender that is told to stop waits for hand-overs under way."""

RATE_PAUSE_SECONDS: Final = 0.02
STORE_RETRY_SECONDS: Final = 0.5


@dataclass(slots=True)
class _Batch:
    """A batch that is being handed over."""

    handover: Handover
    begun: dict[str, Begun]
    started: float
    size: int


@dataclass(slots=True, kw_only=True)
class Room:
    """One turn of a sender on the queue of a workspace."""

    setup: SenderSetup
    lease: RoomLease
    is_left_to_others: bool = field(default=False, init=False)
    _batches: list[_Batch] = field(default_factory=list, init=False)
    _ended: list[EndedAttempt] = field(default_factory=list, init=False)
    _prepared: list[Prepared] = field(default_factory=list, init=False)
    _in_hand: set[str] = field(default_factory=set, init=False)
    _size: int = field(default=FIRST_BATCH, init=False)
    _blocked_until: datetime | None = field(default=None, init=False)
    _rules: SendingRules | None = field(default=None, init=False)
    _namespace: str = field(default="", init=False)
    _renew_at: float = field(default=0.0, init=False)
    _has_lease: bool = field(default=True, init=False)

    def work(self) -> None:
        """Work until nothing is due, the turn is over, or the sender stops; then give the room back.

        Raises:
            StaleRevision: the lease was lost, or the workspace is gone. What is being handed over still ends.
        """
        until = self.setup.monotonic() + SLICE_SECONDS
        try:
            while self._step(may_claim=self.setup.monotonic() < until):
                self._wait()
        finally:
            self._finish()
        now = self.setup.clock()
        self.is_left_to_others = self._blocked_until is not None and self._is_offered_elsewhere(now)
        not_before = None if self.is_left_to_others else self._blocked_until
        self.setup.queue.release_room(self.lease, not_before=not_before, now=now)

    def _is_offered_elsewhere(self, now: datetime) -> bool:
        """Whether this process lacks the transport, and another sender has it that lives and has the database's key."""
        rules, namespace = self._rules, self._namespace
        if rules is None or self._offer(rules, namespace) is not None:
            return False
        return offered_transports(self.setup.queue.senders(), namespace, now=now)(rules) is not None

    def _step(self, *, may_claim: bool) -> bool:
        """Run one transaction, and begin what follows from it; whether there is more to do."""
        self._take_outcomes()
        # Before the clock is read: the deadline that counts here must not be later than the one in the store.
        started = self.setup.transports.monotonic()
        prepared = self._prepared[: self._free()]
        claim_limit = self._claim_limit(len(prepared)) if may_claim and not self._is_ending else 0
        if not (prepared or claim_limit or self._ended or self._must_renew):
            return bool(self._batches or self._prepared)
        result = self._run_transaction(prepared, claim_limit)
        self._hand_over(result, started)
        self._prepare(result)
        if self._is_ending:  # what is not begun stays in the queue
            self._prepared.clear()
        return bool(self._batches or self._prepared)

    @property
    def _is_ending(self) -> bool:
        return self._blocked_until is not None or self.setup.stopping()

    @property
    def _must_renew(self) -> bool:
        """Whether the lease needs a transaction, even one that does nothing else."""
        return self.setup.monotonic() >= self._renew_at

    def _free(self) -> int:
        """How many deliveries may begin now; as many as the transport has room for, and not much more is under way."""
        if self._is_ending or self._in_flight() > self._size:
            return 0
        if self._rules is None or self._offer(self._rules, self._namespace) is None:
            return self._size
        free, seconds = self.setup.transports.capacity(self._rules.transport_name, self.lease.workspace_id)
        return min(free, self._size) if free or seconds <= SLICE_SECONDS else self._size

    def _claim_limit(self, beginning: int) -> int:
        """How many deliveries to claim: enough for the next batch."""
        return max(0, self._size - (len(self._prepared) - beginning))

    def _in_flight(self) -> int:
        return sum(len(batch.begun) for batch in self._batches)

    def _run_transaction(self, prepared: Sequence[Prepared], claim_limit: int) -> StepResult:
        now, ended = self.setup.clock(), tuple(self._ended)
        renewed_at = self.setup.monotonic()

        def work(transaction: SendingTransaction) -> StepResult:
            return run_step(
                transaction,
                ended=ended,
                prepared=prepared,
                in_hand=self._in_hand,
                claim_limit=claim_limit,
                transport_of=self._transport,
                key_fingerprint=self.setup.root_key.fingerprint() if self.setup.root_key else None,
                too_late=self.setup.too_late,
                now=now,
            )

        result = self.setup.queue.run(self.lease, work, now=now)
        self._renew_at = renewed_at + self.lease.duration.total_seconds() / RENEWALS
        self._rules, self._namespace = result.rules, result.namespace
        self._forget(ended)
        asked = {item.delivery_id for item in prepared}
        self._prepared = [item for item in self._prepared if item.delivery_id not in asked]
        self._in_hand -= result.dropped
        self._blocked_until = result.blocked_until
        self._report_held(result)
        return result

    def _report_held(self, result: StepResult) -> None:
        """Count and log messages that are never sent; without addresses and subjects."""
        held, words = Counter[int](), Counter[tuple[DeliveryState, str]]()
        for (rule, state, reason), count in result.held.items():
            held[rule] += count
            # What is wrong with a rendered message names parts of it.
            words[
                state,
                "they could not be rendered; `messages show` has the reason of each"
                if rule == NOT_RENDERED
                else reason,
            ] += count
        for (state, reason), count in words.items():
            logger.info("workspace %d: %d messages ended as %s: %s", self.lease.workspace_id, count, state, reason)
        self.setup.observer.held(held)

    def _forget(self, ended: Sequence[EndedAttempt]) -> None:
        """Let go of outcomes that are noted; count and log them, without addresses and subjects."""
        del self._ended[: len(ended)]
        self._in_hand -= {attempt.delivery_id for attempt in ended}
        workspace_id = self.lease.workspace_id
        if self._rules is not None:
            self.setup.observer.ended(self._rules.transport_name, ended)
            self.setup.refusals.add(self._rules.transport_name, ended, now=self.setup.clock())
        failures = Counter((attempt.outcome, attempt.code) for attempt in ended)
        failures.pop((AttemptOutcome.SENT, 250), None)
        for (outcome, code), count in failures.items():
            logger.info("workspace %d: %d hand-overs: %s, SMTP code %s", workspace_id, count, outcome, code or "none")

    def _offer(self, rules: SendingRules, namespace: str) -> TransportOffer | None:
        """What this process offers to the workspace; nothing without a root key."""
        offer = self.setup.transports.offer(rules.transport_name, namespace)
        return None if self.setup.root_key is None else offer

    def _transport(self, rules: SendingRules, namespace: str) -> TransportState:
        """The transport of the workspace, and when it takes the next message."""
        offer = self._offer(rules, namespace)
        if offer is None:
            return TransportState(offer=None, free_at=None)
        free, seconds = self.setup.transports.capacity(offer.name, self.lease.workspace_id)
        return TransportState(offer=offer, free_at=None if free else self.setup.clock() + timedelta(seconds=seconds))

    def _hand_over(self, result: StepResult, started: float) -> None:
        """Hand over what has begun, until its deadline, which counts from ``started``."""
        if not result.begun:
            return
        name = result.rules.transport_name
        begun = {each.prepared.delivery_id: each for each in result.begun}
        mails = [mail for each in result.begun if (mail := self._mail_or_failure(each, name)) is not None]
        deadline = started + HANDOVER_SECONDS - MARGIN_SECONDS
        handover = self.setup.transports.hand_over(name, self.lease.workspace_id, mails, deadline=deadline)
        self.setup.observer.begun(len(begun))
        for each in self._ended:
            begun.pop(each.delivery_id, None)
        self._batches.append(_Batch(handover, begun, self.setup.monotonic(), len(mails)))

    def _mail_or_failure(self, begun: Begun, transport: str) -> OutgoingMail | None:
        """The mail of an attempt; a fault of this program ends it alone, of which nothing has left."""
        try:
            return self._mail(begun, transport)
        except Exception as error:  # noqa: BLE001 - the rest of the batch has begun, too
            place = "".join(traceback.format_tb(error.__traceback__))  # without the message, which can hold an address
            logger.error("a message cannot be composed: %s\n%s", type(error).__name__, place)  # noqa: TRY400 - the same
            result = HandoverResult(
                delivery_id=begun.prepared.delivery_id,
                outcome=AttemptOutcome.REFUSED,
                reply=f"internal error {type(error).__name__}",
            )
            self._ended.append(self._outcome(begun, result, self.setup.clock()))
            return None

    def _mail(self, begun: Begun, transport: str) -> OutgoingMail:
        message, sender, root_key = begun.prepared.queued.message, begun.rendered.sender, self.setup.root_key
        if sender is None or root_key is None:
            raise AssertionError("the transaction begins no attempt without them")
        token = Token(
            workspace_id=self.lease.workspace_id,
            delivery_id=message.delivery_id,
            is_test=begun.decision.mode is SendMode.TEST,
        )
        wire_id = sign(token, Purpose.DELIVERY, root_key)
        return OutgoingMail(
            delivery_id=message.delivery_id,
            sender=self.setup.transports.envelope_sender(transport, sender.address, message.delivery_id),
            recipients=tuple(mailbox.address for mailbox in begun.decision.envelope),
            data=compose(
                begun.rendered,
                begun.decision,
                sender=sender,
                message_id=message_id_of(wire_id, sender),
                date=self.setup.clock(),
            ),
        )

    def _prepare(self, result: StepResult) -> None:
        """Render what was claimed, unless the gate will not let it pass under the rules that are in force."""
        if not result.claimed:
            return
        self._in_hand |= {queued.message.delivery_id for queued in result.claimed}
        rules, setup = result.rules, self.setup
        can_leave = self._offer(rules, result.namespace) is not None
        jobs = {
            position: render_job(
                queued.message,
                rules,
                queued.customer,
                workspace_id=self.lease.workspace_id,
                public_url=setup.public_url,
            )
            for position, queued in enumerate(result.claimed)
            if can_leave and strictest(queued.message.accepted_mode, rules.mode) not in (None, SendMode.NEVER)
        }
        contents = dict(zip(jobs, setup.renderer.render(list(jobs.values())), strict=True)) if jobs else {}
        self._prepared += (
            Prepared(queued=queued, content=contents.get(position), send_version=rules.send_version)
            for position, queued in enumerate(result.claimed)
        )

    def _take_outcomes(self) -> None:
        """Collect the hand-overs that have ended, and learn how many the transport takes in a time."""
        now = self.setup.clock()
        for batch in list(self._batches):
            for result in batch.handover.take_ended():
                self._ended.append(self._outcome(batch.begun.pop(result.delivery_id), result, now))
            if not batch.begun:
                self._batches.remove(batch)
                seconds = max(self.setup.monotonic() - batch.started, 0.001)
                fitting = int(batch.size / seconds * TARGET_SECONDS)
                self._size = max(1, min(fitting, 2 * self._size, self.setup.max_batch))

    def _outcome(self, begun: Begun, result: HandoverResult, now: datetime) -> EndedAttempt:
        queued = begun.prepared.queued
        history = History(
            attempts=queued.next_attempt - 1,
            tries=queued.tries,
            unknowns=queued.unknowns,
            first_tried_at=queued.first_tried_at or begun.attempt.begun_at,
        )
        following = follow_up(result, history, now=now, jitter=self.setup.jitter())
        is_kept = queued.keep_content and result.outcome is AttemptOutcome.SENT
        return EndedAttempt(
            delivery_id=result.delivery_id,
            number=begun.attempt.number,
            outcome=result.outcome,
            code=result.code,
            reply=result.reply,
            state=following.state,
            failure=following.failure,
            due_at=following.due_at,
            counts_as_try=following.counts_as_try,
            invalid_addresses=address_keys(result),
            rendered=archive_of(begun) if is_kept else None,
        )

    def _wait(self) -> None:
        """Wait for the hand-over that began first, but begin the next batch as soon as it may."""
        if self._batches and (self._in_flight() > self._size or not self._prepared):
            self._batches[0].handover.wait(NOTE_SECONDS)
        elif self._prepared and not self._free():
            self.setup.sleep(RATE_PAUSE_SECONDS)

    def _finish(self) -> None:
        """Wait for hand-overs under way and note their outcomes, also after an error and while the store is away."""
        until = self.setup.monotonic() + (STOP_SECONDS if self.setup.stopping() else HANDOVER_SECONDS)
        self._prepared.clear()
        while (self._batches or self._ended) and self.setup.monotonic() < until:
            if self._batches:
                self._batches[0].handover.wait(NOTE_SECONDS)
            self._take_outcomes()
            try:
                self._note_outcomes()
            except StoreUnavailable:
                self.setup.sleep(STORE_RETRY_SECONDS)
            except StaleRevision:  # the workspace is gone
                break
        self.setup.observer.abandoned(len(self._ended) + self._in_flight())

    def _note_outcomes(self) -> None:
        """Note outcomes, also after the lease was lost: otherwise a message that was sent would be sent again.

        Raises:
            StaleRevision: the workspace is gone.
        """
        if self._has_lease and (self._ended or self._must_renew):
            try:
                self._run_transaction((), 0)
            except StaleRevision:
                self._has_lease = False
        if not self._has_lease and self._ended:
            ended = tuple(self._ended)
            self.setup.queue.end_attempts(self.lease, ended, now=self.setup.clock())
            self._forget(ended)


def archive_of(begun: Begun) -> Mapping[str, Any]:
    """The content of a message as it is handed over, by the vendor's names (sending §5.2)."""
    rendered, decision = begun.rendered, begun.decision
    message = begun.prepared.queued.message
    return {
        "subject": rendered.subject,
        "from": str(rendered.sender),
        "reply_to": ", ".join(map(str, rendered.reply_to)) if decision.keeps_reply_to else "",
        "recipient": ", ".join(map(str, decision.to)),
        "cc": ", ".join(map(str, decision.cc)),
        "bcc": ", ".join(map(str, () if decision.diverted_to else message.bcc)),
        "body": rendered.html if rendered.html is not None else rendered.plain,
        "body_plain": rendered.plain,
        "headers": dict(rendered.headers),
    }
