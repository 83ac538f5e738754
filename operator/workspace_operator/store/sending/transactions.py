"""One transaction of a sender on the mailroom that it leases."""

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.application.ports import BlockKind, EndedAttempt, NewAttempt, QueuedDelivery, RoomLease
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.identity.merges.survivorship import is_true
from workspace_operator.identity.model.attribute_timestamps import UNSUBSCRIBED
from workspace_operator.sending.deliveries import FINAL_STATES, AttemptOutcome, DeliveryState, GateRecord, Metric
from workspace_operator.sending.gate import Recipient
from workspace_operator.sending.rules import SendingRules
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    decode_json,
    delete_any_of,
    driver_cursor,
    encode_json,
    insert_rows,
    insert_statement,
    workspace_any_of,
)
from workspace_operator.store.pending_merges.view import raise_if_people_pending
from workspace_operator.store.schema.mappers import sending_rules_of
from workspace_operator.store.schema.sending_tables import (
    address_block,
    attachment,
    attempt,
    delivery,
    delivery_content,
)
from workspace_operator.store.schema.tables import KIND_EMAIL, person, suppression
from workspace_operator.store.schema.types import to_microseconds
from workspace_operator.store.sending.claims import ContentCache, DueRow, attempts_of, claimed, due_rows
from workspace_operator.store.sending.delivery_rows import METRIC_OF_STATE, gate_document
from workspace_operator.store.sending.delivery_updates import BEGIN_HANDOVER, END_ATTEMPTS, POSTPONE, SETTLE
from workspace_operator.store.sending.mailrooms import renew_lease
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot, lock_and_read_settings

STALE_AFTER: Final = timedelta(seconds=5)
"""How long after its deadline an attempt without an end counts as unknown; its sender may be about to write it."""

UNKNOWN_RETRY: Final = timedelta(minutes=5)
NO_OUTCOME: Final = "the sender ended before it knew whether the server took the message"
MAY_HAVE_BEEN_TAKEN: Final = "may have been taken: twice it is not known whether the server took the message"

_COMPRESSION: Final = 1
"""Of archived content: a higher level takes three times as long for a tenth less."""


@dataclass(slots=True, kw_only=True)
class SQLSendingTransaction:
    """Implements the port ``SendingTransaction``."""

    connection: sa.Connection
    lease: RoomLease
    settings: SettingsSnapshot
    contents: ContentCache
    rules: SendingRules
    _held: list[dict[str, Any]] = field(default_factory=list, init=False)
    _postponed: list[dict[str, Any]] = field(default_factory=list, init=False)

    @property
    def _workspace_id(self) -> int:
        return self.lease.workspace_id

    def end_attempts(self, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        """Record outcomes; an attempt that is gone, or that has ended, changes nothing."""
        rows = [_ended_row(ended, now) for ended in sorted(attempts, key=_delivery_id)]
        known = {key for (key,) in END_ATTEMPTS.run(self.connection, self._workspace_id, rows)}
        ended = [each for each in sorted(attempts, key=_delivery_id) if each.delivery_id in known]
        SETTLE.run(self.connection, self._workspace_id, [_settled_row(each, now) for each in ended])
        self._archive(ended)
        self._block({key for each in ended for key in each.invalid_addresses}, now)
        self._forget([each.delivery_id for each in ended if each.state in FINAL_STATES])

    def lock_due(self, deliveries: Sequence[QueuedDelivery], *, now: datetime) -> frozenset[str]:
        """Lock deliveries, and tell which are still waiting and due, with the same person and next attempt."""
        wanted = {queued.message.delivery_id: queued for queued in deliveries}
        rows = _LOCK_DUE.run(
            self.connection,
            {"of_workspace": self._workspace_id, "ids": encode_json(sorted(wanted)), "now": to_microseconds(now)},
        )
        same = {key: has_gate for key, cio_id, has_gate in rows if wanted[key].cio_id == cio_id}
        earlier = attempts_of(self.connection, self._workspace_id, [key for key, has_gate in same.items() if has_gate])
        last = {key: earlier[key].last if key in earlier else 0 for key in same}
        return frozenset(key for key, number in last.items() if wanted[key].next_attempt == number + 1)

    def recipients(self, cio_ids: Sequence[str]) -> Mapping[str, Recipient]:
        """The people of deliveries; a suppressed person does not exist."""
        rows = _RECIPIENTS.run(
            self.connection, {"of_workspace": self._workspace_id, "cio_ids": encode_json(list(cio_ids))}
        )
        return {cio_id: _recipient(attributes) for cio_id, attributes in rows}

    def blocked(self, keys: Sequence[str]) -> frozenset[str]:
        """Which addresses, by e-mail key, are suppressed or have an address block."""
        parameters = {"of_workspace": self._workspace_id, "keys": encode_json(list(keys))}
        return frozenset(key for (key,) in _BLOCKED.run(self.connection, parameters))

    def begin_attempts(self, attempts: Sequence[NewAttempt], *, now: datetime) -> None:
        """Begin attempts: their deliveries are due again if they are not ended."""
        begun = sorted(attempts, key=_delivery_id)
        insert_rows(self.connection, attempt, [self._attempt_row(each, now) for each in begun])
        rows = [
            {
                "delivery_id": each.delivery_id,
                "due_at": to_microseconds(each.deadline + STALE_AFTER),
                "gate": gate_document(each.gate),
            }
            for each in begun
        ]
        BEGIN_HANDOVER.run(self.connection, self._workspace_id, rows)

    def hold(
        self, delivery_id: str, state: DeliveryState, reason: str, gate: GateRecord | None, *, now: datetime
    ) -> None:
        """End a delivery that is never sent, in a final state; it is written with others."""
        document = None if gate is None else gate_document(gate)
        self._held.append(settled_row(delivery_id, state, now, failure=reason, gate=document))

    def postpone(self, delivery_id: str, until: datetime | None, *, now: datetime) -> None:  # noqa: ARG002 - the port's
        """Ask the gate about a delivery again at a time; it is written with others."""
        due_at = None if until is None else to_microseconds(until)
        self._postponed.append({"delivery_id": delivery_id, "due_at": due_at})

    def claim(self, limit: int, *, exclude: frozenset[str], now: datetime) -> Sequence[QueuedDelivery]:
        """Read the deliveries that are due, after stale attempts are ended. Raises PendingMerge."""
        self.flush()
        while True:
            rows = due_rows(self.connection, self._workspace_id, limit, exclude=exclude, now=now)
            unusable = self._end_stale([row for row in rows if row.is_stale], now)
            if not unusable:
                break
        if self.settings.row.merges_pending:
            cio_ids = {row.cio_id for row in rows if row.cio_id is not None}
            raise_if_people_pending(self.connection, self._workspace_id, cio_ids)
        return claimed(self.connection, self._workspace_id, rows, self.contents)

    def flush(self) -> None:
        """Write what was collected."""
        held, self._held = sorted(self._held, key=_row_id), []
        SETTLE.run(self.connection, self._workspace_id, held)
        self._forget([row["delivery_id"] for row in held])
        postponed, self._postponed = sorted(self._postponed, key=_row_id), []
        POSTPONE.run(self.connection, self._workspace_id, postponed)

    def _end_stale(self, rows: Sequence[DueRow], now: datetime) -> bool:
        """End the attempts of senders that died as unknown; whether there were any."""
        if rows:
            earlier = attempts_of(self.connection, self._workspace_id, [row.delivery_id for row in rows])
            stale = [(row, earlier[row.delivery_id].last) for row in rows if row.delivery_id in earlier]
            self.end_attempts([_unknown(row, number, now) for row, number in stale], now=now)
        return bool(rows)

    def _attempt_row(self, begun: NewAttempt, now: datetime) -> tuple[object, ...]:
        """A new attempt in the order of the table's columns."""
        deadline = to_microseconds(begun.deadline)
        key = (self._workspace_id, begun.delivery_id, begun.number, to_microseconds(now), deadline)
        rules = (self.rules.send_version, begun.mode.value, begun.transport, self.lease.worker, begun.recipients)
        return (*key, *rules, None, None, None, None)

    def _archive(self, ended: Sequence[EndedAttempt]) -> None:
        """Keep rendered messages, compressed."""
        rows = [
            (zlib.compress(encode_json(each.rendered).encode(), _COMPRESSION), self._workspace_id, each.delivery_id)
            for each in ended
            if each.rendered is not None
        ]
        if rows:
            place = "?" if self.connection.dialect.name == "sqlite" else "%s"
            statement = _ARCHIVE.replace("?", place)
            with driver_cursor(self.connection, statement) as cursor:
                cursor.executemany(statement, rows)

    def _block(self, keys: Collection[str], now: datetime) -> None:
        """Block addresses that servers do not know; a block that exists keeps its time."""
        if keys:
            rows = [
                {
                    "workspace_id": self._workspace_id,
                    "kind": BlockKind.INVALID.value,
                    "email_key": key,
                    "since": now,
                    "reason": "the server does not know the address",
                }
                for key in sorted(keys)
            ]
            self.connection.execute(insert_statement(self.connection, address_block).on_conflict_do_nothing(), rows)

    def _forget(self, delivery_ids: Collection[str]) -> None:
        forget_finals(self.connection, self._workspace_id, delivery_ids)


def open_transaction(
    connection: sa.Connection, lease: RoomLease, contents: ContentCache, *, now: datetime
) -> SQLSendingTransaction:
    """Lock the workspace shared, renew the lease, and read the rules. Raises StaleRevision."""
    try:
        settings = lock_and_read_settings(connection, lease.workspace_id)
    except NotFound as error:
        raise StaleRevision(str(error)) from error
    renew_lease(connection, lease, now=now)
    return SQLSendingTransaction(
        connection=connection,
        lease=lease,
        settings=settings,
        contents=contents,
        rules=sending_rules_of(settings.row),
    )


def forget_finals(connection: sa.Connection, workspace_id: int, delivery_ids: Collection[str]) -> None:
    """Delete what deliveries keep until their final state: attachments, and content that is not to be kept."""
    if delivery_ids:
        delete_any_of(connection, workspace_id, attachment.c.delivery_id, delivery_ids)
        values = {"of_workspace": workspace_id, "ids": encode_json(sorted(delivery_ids))}
        unkept = [key for (key,) in _UNKEPT.run(connection, values)]
        if unkept:
            delete_any_of(connection, workspace_id, delivery_content.c.delivery_id, unkept)


def settled_row(
    delivery_id: str,
    state: DeliveryState,
    now: datetime,
    *,
    failure: str | None,
    gate: Mapping[str, object] | None = None,
    due_at: datetime | None = None,
    metric: Metric | None = None,
    tries: int = 0,
    unknowns: int = 0,
) -> dict[str, Any]:
    """A row of `SETTLE`; ``metric`` is by default that of the state."""
    metric = metric or METRIC_OF_STATE.get(state)
    return {
        "delivery_id": delivery_id,
        "state": state.value,
        "due_at": None if due_at is None else to_microseconds(due_at),
        "failure": failure,
        "gate": gate,
        "tries": tries,
        "unknowns": unknowns,
        "metrics": {} if metric is None else {metric.value: to_microseconds(now)},
    }


def _ended_row(ended: EndedAttempt, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": ended.delivery_id,
        "number": ended.number,
        "ended_at": to_microseconds(now),
        "outcome": ended.outcome.value,
        "code": ended.code,
        "reply": ended.reply,
    }


def _settled_row(ended: EndedAttempt, now: datetime) -> dict[str, Any]:
    """The state after an attempt; one that is tried again and did not fail harmlessly counts as attempted."""
    is_retried = ended.state is DeliveryState.WAITING
    is_attempted = is_retried and ended.outcome in {AttemptOutcome.DEFERRED, AttemptOutcome.UNKNOWN}
    return settled_row(
        ended.delivery_id,
        ended.state,
        now,
        failure=ended.failure,
        due_at=ended.due_at if is_retried else None,
        metric=Metric.ATTEMPTED if is_attempted else None,
        tries=int(ended.counts_as_try),
        unknowns=int(ended.outcome is AttemptOutcome.UNKNOWN),
    )


def _unknown(row: DueRow, number: int, now: datetime) -> EndedAttempt:
    """The end of an attempt of a sender that died: retried once (sending §3.5)."""
    is_last = row.unknowns > 0
    return EndedAttempt(
        delivery_id=row.delivery_id,
        number=number,
        outcome=AttemptOutcome.UNKNOWN,
        code=None,
        reply=None,
        state=DeliveryState.FAILED if is_last else DeliveryState.WAITING,
        failure=MAY_HAVE_BEEN_TAKEN if is_last else NO_OUTCOME,
        due_at=None if is_last else now + UNKNOWN_RETRY,
    )


def _recipient(attributes: Any) -> Recipient:
    unsubscribed = decode_json(attributes).get(UNSUBSCRIBED)
    return Recipient(is_suppressed=False, is_unsubscribed=is_true(unsubscribed))


def _delivery_id(value: EndedAttempt | NewAttempt) -> str:
    return value.delivery_id


def _row_id(row: Mapping[str, Any]) -> str:
    return str(row["delivery_id"])


_LOCK_DUE = CompiledStatement(
    lambda _: (
        sa.select(delivery.c.delivery_id, delivery.c.cio_id, delivery.c.gate.is_not(None))
        .where(
            workspace_any_of(delivery.c.delivery_id, "ids"),
            delivery.c.state == sa.literal_column(f"'{DeliveryState.WAITING}'"),
            delivery.c.due_at <= sa.bindparam("now", type_=sa.BigInteger),
        )
        .order_by(delivery.c.delivery_id)
        .with_for_update()
    )
)
_RECIPIENTS = CompiledStatement(
    lambda _: sa.select(person.c.cio_id, person.c.attributes).where(workspace_any_of(person.c.cio_id, "cio_ids"))
)
_KINDS: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{kind}'") for kind in BlockKind]
_BLOCKED = CompiledStatement(
    lambda _: sa.union(
        sa.select(suppression.c.value_key).where(
            workspace_any_of(suppression.c.value_key, "keys"), suppression.c.kind == sa.literal_column(str(KIND_EMAIL))
        ),
        sa.select(address_block.c.email_key).where(
            workspace_any_of(address_block.c.email_key, "keys"), address_block.c.kind.in_(_KINDS)
        ),
    )
)
_ARCHIVE = "UPDATE delivery_content SET rendered = ? WHERE workspace_id = ? AND delivery_id = ?"
_UNKEPT = CompiledStatement(
    lambda _: sa.select(delivery.c.delivery_id).where(
        workspace_any_of(delivery.c.delivery_id, "ids"), delivery.c.keep_content.is_(False)
    )
)
