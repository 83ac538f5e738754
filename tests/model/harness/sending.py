"""The state machine of messages: whatever happens, the gate holds, nothing is lost, and nothing outlives its person."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, destroy
from tests.store.merge_builders import merge, undo
from tests.store.sending_builders import HANDOVER, ROOM_LEASE, gate_record, message
from workspace_operator.application.ports import (
    Accepted,
    DeliveryQuery,
    EndedAttempt,
    Merge,
    NewAttempt,
    QueuedDelivery,
    RoomLease,
    SendingTransaction,
)
from workspace_operator.errors import Conflict, StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState
from workspace_operator.sending.gate import Circumstances, Hold, Pass, Wait, gate
from workspace_operator.sending.outcomes import HandoverResult, History, follow_up
from workspace_operator.sending.rules import SendingRules, SendMode
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.store.queries.sending_state import sending_state

T = TypeVar("T")

TEST_ADDRESS = "qa@test.example"
OFFER = TransportOffer(name="default", sender_domains=frozenset({"*"}), namespaces=frozenset({"*"}))
PEOPLE = st.sampled_from(["p1", "p2", "p3"])
SENDERS = st.sampled_from(["s1", "s2"])
OUTCOMES = st.sampled_from(list(AttemptOutcome))


@dataclass(slots=True, kw_only=True)
class ModelSender:
    """What a sender knows: its lease, what it claimed, and what it began and did not end."""

    worker: str
    lease: RoomLease | None = None
    claimed: dict[str, QueuedDelivery] = field(default_factory=dict)
    begun: dict[str, tuple[QueuedDelivery, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """A hand-over that has begun and was not ended."""

    number: int
    deadline: datetime
    send_version: int


class SendingMachine(RuleBasedStateMachine):
    """One workspace with three people and two senders; ``store`` is set by a subclass."""

    store: Store

    @initialize(mode=st.sampled_from([SendMode.NORMAL, SendMode.TEST]))
    def make_workspace(self, mode: SendMode) -> None:
        self.env = WorkspaceEnv.create(self.store, Mode.EMAIL_OR_ID)
        self.senders = {worker: ModelSender(worker=worker) for worker in ("s1", "s2")}
        self.people: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.origins: dict[str, str] = {}
        self.in_flight: dict[str, InFlight] = {}
        self.merges: list[Merge] = []
        for person in ("p1", "p2", "p3"):
            self.add_person(person)
        self.change_mode(mode)

    @rule(person=PEOPLE)
    def add_person(self, person: str) -> None:
        if person not in self.people:
            self.env.unsuppress(id=person)
            self.people[person] = self.env.add(person)

    @rule(person=PEOPLE, is_draft=st.booleans(), delay=st.sampled_from([0, 0, 0, 40]), copy=st.booleans())
    def accept(self, person: str, *, is_draft: bool, delay: int, copy: bool) -> None:
        now = self.store.clock()
        wanted = message(
            self.env,
            reference=self.env.reference(id=person),
            is_draft=is_draft,
            send_at=now + timedelta(seconds=delay),
            cc="cc@shop.example",
            bcc="bcc@shop.example",
            fake_bcc=copy,
        )
        before = set(self.listed())

        [result] = self.store.deliveries.accept(self.env.workspace_id, [wanted], now=now)

        owner = self.people.get(person)
        new = set(self.listed()) - before
        if owner is None:
            assert not isinstance(result, Accepted) or self.state(result.delivery_id) is DeliveryState.DROPPED
        else:
            assert len(new) == (2 if copy else 1)
            self.owners |= dict.fromkeys(new, owner)
            self.origins |= dict.fromkeys(new, owner)

    @rule(mode=st.sampled_from(list(SendMode)))
    def change_mode(self, mode: SendMode) -> None:
        self.env.update_settings(send_mode=mode, test_address=TEST_ADDRESS if mode is SendMode.TEST else None)

    @rule(worker=SENDERS)
    def take_room(self, worker: str) -> None:
        sender = self.senders[worker]
        if sender.lease is None:
            sender.lease = self.store.sending_queue.lease_room(worker, ROOM_LEASE, now=self.store.clock())

    @rule(worker=SENDERS, limit=st.integers(1, 4))
    def claim(self, worker: str, limit: int) -> None:
        sender, now = self.senders[worker], self.store.clock()
        exclude = frozenset({*sender.claimed, *sender.begun})
        for queued in self.run(sender, lambda each: each.claim(limit, exclude=exclude, now=now)) or ():
            assert queued.message.delivery_id in self.owners
            assert queued.cio_id == self.owners[queued.message.delivery_id]
            assert not queued.message.is_draft
            sender.claimed[queued.message.delivery_id] = queued

    @rule(worker=SENDERS)
    def begin(self, worker: str) -> None:
        sender = self.senders[worker]
        queued, sender.claimed = list(sender.claimed.values()), {}
        rules_and_begun = self.run(sender, lambda each: self.pass_the_gate(each, queued))
        if rules_and_begun is None:
            return
        rules, begun = rules_and_begun
        for own, attempt in begun:
            delivery_id = attempt.delivery_id
            assert delivery_id in self.owners, "nothing begins for an erased person"
            assert rules.mode is not SendMode.NEVER
            assert own.message.accepted_mode is not SendMode.NEVER
            sender.begun[delivery_id] = (own, attempt.number)
            self.in_flight[delivery_id] = InFlight(
                number=attempt.number, deadline=attempt.deadline, send_version=rules.send_version
            )

    def pass_the_gate(
        self, transaction: SendingTransaction, queued: list[QueuedDelivery]
    ) -> tuple[SendingRules, list[tuple[QueuedDelivery, NewAttempt]]]:
        """Begin, hold or postpone what was claimed, as a sender does."""
        now, rules = self.store.clock(), transaction.rules
        due = transaction.lock_due(queued, now=now)
        people = transaction.recipients([each.cio_id for each in queued if each.cio_id])
        begun = []
        for own in queued:
            delivery_id = own.message.delivery_id
            if delivery_id not in due:
                continue
            circumstances = Circumstances(
                now=now,
                rules=rules,
                recipient=people[own.cio_id or ""],
                blocked=transaction.blocked([mailbox.key for mailbox in own.message.to]),
                transport=OFFER,
                rate_free_at=None,
                sender=None,
            )
            decision = gate(own.message, circumstances)
            match decision:
                case Pass():
                    if decision.mode is SendMode.TEST:
                        assert [mailbox.key for mailbox in decision.envelope] == [TEST_ADDRESS]
                    begun.append((own, self.attempt(own, decision, now)))
                case Hold():
                    transaction.hold(delivery_id, decision.state, decision.reason, None, now=now)
                case Wait():
                    transaction.postpone(delivery_id, decision.until, now=now)
        transaction.begin_attempts([attempt for _, attempt in begun], now=now)
        return rules, begun

    def attempt(self, own: QueuedDelivery, decision: Pass, now: datetime) -> NewAttempt:
        return NewAttempt(
            delivery_id=own.message.delivery_id,
            number=own.next_attempt,
            begun_at=now,
            deadline=now + HANDOVER,
            mode=decision.mode,
            transport="default",
            recipients=len(decision.envelope),
            gate=gate_record(decision.mode),
        )

    @rule(worker=SENDERS, outcome=OUTCOMES)
    def end(self, worker: str, outcome: AttemptOutcome) -> None:
        sender, now = self.senders[worker], self.store.clock()
        ended = [self.ended(queued, number, outcome, now) for queued, number in sender.begun.values()]

        def work(transaction: SendingTransaction) -> bool:
            transaction.end_attempts(ended, now=now)
            return True

        if self.run(sender, work):
            for each in ended:
                sender.begun.pop(each.delivery_id)
                if self.in_flight.get(each.delivery_id, InFlight(number=0, deadline=now, send_version=0)).number == (
                    each.number
                ):
                    del self.in_flight[each.delivery_id]

    def ended(self, queued: QueuedDelivery, number: int, outcome: AttemptOutcome, now: datetime) -> EndedAttempt:
        result = HandoverResult(delivery_id=queued.message.delivery_id, outcome=outcome, code=250)
        history = History(
            attempts=number - 1,
            tries=queued.tries,
            unknowns=queued.unknowns,
            first_tried_at=queued.first_tried_at or now,
        )
        following = follow_up(result, history, now=now, jitter=0.5)
        return EndedAttempt(
            delivery_id=result.delivery_id,
            number=number,
            outcome=outcome,
            code=250,
            reply=None,
            state=following.state,
            failure=following.failure,
            due_at=following.due_at,
            counts_as_try=following.counts_as_try,
        )

    @rule(worker=SENDERS)
    def release(self, worker: str) -> None:
        sender = self.senders[worker]
        if sender.lease is not None and not sender.begun:
            with suppress(StaleRevision):
                self.store.sending_queue.release_room(sender.lease, not_before=None, now=self.store.clock())
            self.senders[worker] = ModelSender(worker=worker)

    @rule(worker=SENDERS)
    def die(self, worker: str) -> None:
        self.senders[worker] = ModelSender(worker=worker)

    @rule(seconds=st.sampled_from([1, 10, 30, 40, 400]))
    def wait(self, seconds: int) -> None:
        self.store.clock.advance(seconds)

    @rule(person=PEOPLE, how=st.sampled_from(["suppress", "delete"]))
    def erase(self, person: str, how: str) -> None:
        cio_id = self.people.pop(person, None)
        if cio_id is None:
            return
        getattr(self.env, how)(id=person)
        for delivery_id in [each for each, owner in self.owners.items() if owner == cio_id]:
            del self.owners[delivery_id]  # a hand-over under way can still arrive
        gone = {cio_id, *(each.secondary.cio_id for each in self.merges if each.primary.cio_id == cio_id)}
        self.merges = [each for each in self.merges if not gone & {each.primary.cio_id, each.secondary.cio_id}]

    @rule(first=PEOPLE, second=PEOPLE)
    def merge(self, first: str, second: str) -> None:
        if first != second and {first, second} <= self.people.keys():
            primary, secondary = self.people[first], self.people.pop(second)
            self.merges.append(merge(self.env, primary, secondary))
            moved = {each: primary for each, owner in self.owners.items() if owner == secondary}
            self.owners |= moved

    @rule()
    def unmerge(self) -> None:
        """Undo the last merge, if nobody else was merged or made since."""
        if not self.merges:
            return
        entry = self.merges.pop()
        with suppress(Conflict):
            undone = undo(self.env, entry)
            restored = undone.restored
            if restored.id is not None and restored.id not in self.people:
                self.people[restored.id] = restored.cio_id
            origins = {restored.cio_id, *self.absorbed(restored.cio_id)}
            for delivery_id, owner in self.owners.items():
                if owner == undone.survivor.cio_id and self.origins[delivery_id] in origins:
                    self.owners[delivery_id] = restored.cio_id

    def absorbed(self, cio_id: str) -> set[str]:
        """The people who were merged into a person, and into those."""
        direct = {each.secondary.cio_id for each in self.merges if each.primary.cio_id == cio_id}
        return direct.union(*(self.absorbed(each) for each in direct))

    @rule(number=st.integers(0, 5))
    def cancel(self, number: int) -> None:
        for delivery_id in self.listed()[number : number + 1]:
            with suppress(Conflict):
                self.store.deliveries.cancel(self.env.workspace_id, delivery_id, now=self.store.clock())

    @rule()
    def send_drafts(self) -> None:
        for delivery_id in self.listed():
            with suppress(Conflict):
                self.store.deliveries.send_draft(self.env.workspace_id, delivery_id, now=self.store.clock())

    @invariant()
    def nothing_is_lost_and_nothing_outlives_its_person(self) -> None:
        if hasattr(self, "owners"):
            records = self.store.deliveries.list(self.env.workspace_id, DeliveryQuery(limit=1000))
            found = {each.delivery.delivery_id: each.delivery.cio_id for each in records}
            assert {key: owner for key, owner in found.items() if owner is not None} == self.owners

    @invariant()
    def the_barrier_knows_what_is_in_flight(self) -> None:
        if hasattr(self, "in_flight"):
            now = self.store.clock()
            expected = [each for each in self.in_flight.values() if each.deadline > now]
            assert self.store.deliveries.counts(self.env.workspace_id, now=now).in_flight == len(expected)
            if self.store.database is not None:
                self.compare_barrier(expected, now)

    def compare_barrier(self, expected: list[InFlight], now: datetime) -> None:
        """What a reconcile waits for: hand-overs under earlier rules."""
        workspace = self.env.workspace
        with self.store.sql_database.reading() as connection:
            observed = sending_state(connection, workspace, now)
        assert observed.draining == sum(each.send_version < workspace.send_version for each in expected)

    def teardown(self) -> None:
        """In the end a sender finishes everything, and the workspace goes."""
        if not hasattr(self, "owners"):
            return
        self.senders = {"s1": ModelSender(worker="s1"), "s2": ModelSender(worker="s2")}
        for _ in range(40):
            self.store.clock.advance(400)
            self.take_room("s1")
            if self.senders["s1"].lease is None:
                break
            self.claim("s1", 4)
            self.begin("s1")
            self.end("s1", AttemptOutcome.SENT)
            self.release("s1")
        left = {self.state(each) for each in self.listed()} & {DeliveryState.WAITING, DeliveryState.HANDING_OVER}
        self.store.clock.advance(60)
        destroy(self.store, self.env.owner)
        assert not left, "everything that waits is finished"

    def run(self, sender: ModelSender, work: Callable[[SendingTransaction], T]) -> T | None:
        """Run a transaction of a sender; one that has lost its lease forgets everything."""
        if sender.lease is None:
            return None
        try:
            return self.store.sending_queue.run(sender.lease, work, now=self.store.clock())
        except StaleRevision:
            self.senders[sender.worker] = ModelSender(worker=sender.worker)
            return None

    def listed(self) -> list[str]:
        records = self.store.deliveries.list(self.env.workspace_id, DeliveryQuery(limit=1000))
        return [each.delivery.delivery_id for each in records]

    def state(self, delivery_id: str) -> Any:
        return self.store.deliveries.get(self.env.workspace_id, delivery_id).delivery.state
