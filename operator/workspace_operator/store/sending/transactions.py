"""One transaction of a sender on the mailroom that it leases."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.application.ports import EndedAttempt, NewAttempt, QueuedDelivery, RoomLease
from workspace_operator.identity.merges.survivorship import is_true
from workspace_operator.identity.model.attribute_timestamps import UNSUBSCRIBED
from workspace_operator.sending.deliveries import DeliveryState, GateRecord
from workspace_operator.sending.gate import Recipient
from workspace_operator.sending.rules import SendingRules
from workspace_operator.store.engine.clocks import TimeCheck
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    decode_json,
    encode_json,
    insert_rows,
    workspace_any_of,
)
from workspace_operator.store.pending_merges.view import raise_if_people_pending
from workspace_operator.store.queries.sending_state import FINGERPRINT
from workspace_operator.store.schema.mappers import sending_rules_of
from workspace_operator.store.schema.sending_tables import (
    attempt,
    delivery,
)
from workspace_operator.store.schema.tables import person
from workspace_operator.store.schema.types import to_microseconds
from workspace_operator.store.sending.blocked_addresses import blocked_addresses
from workspace_operator.store.sending.claims import (
    ContentCache,
    DueRow,
    attempts_of,
    claimed,
    due_rows,
    fitting_rows,
)
from workspace_operator.store.sending.delivery_rows import gate_document
from workspace_operator.store.sending.delivery_updates import BEGIN_HANDOVER, POSTPONE, SETTLE
from workspace_operator.store.sending.mailrooms import lock_room_workspace, renew_lease
from workspace_operator.store.sending.settlements import (
    EndCounts,
    end_attempts,
    forget_finals,
    settled_row,
    unknown_end,
)
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot

logger = logging.getLogger(__name__)

STALE_AFTER: Final = timedelta(seconds=5)
"""How long after its deadline an attempt without an end counts as unknown; its sender may be about to write it."""

NO_ATTEMPT: Final = "it was being handed over, and its attempt is missing: it may have been taken"


@dataclass(slots=True, kw_only=True)
class SQLSendingTransaction:
    """Implements the port ``SendingTransaction``."""

    connection: sa.Connection
    lease: RoomLease
    settings: SettingsSnapshot
    contents: ContentCache
    rules: SendingRules
    _fingerprint: str | None = field(default=None, init=False)
    _ended: EndCounts = field(default_factory=EndCounts, init=False)
    _held: list[dict[str, Any]] = field(default_factory=list, init=False)
    _postponed: list[dict[str, Any]] = field(default_factory=list, init=False)

    @property
    def _workspace_id(self) -> int:
        return self.lease.workspace_id

    @property
    def namespace(self) -> str:
        """The namespace of the workspace's owner, to which transports are offered."""
        return str(self.settings.row.owner_namespace)

    @property
    def root_key_fingerprint(self) -> str | None:
        """The fingerprint of the root key whose installation sends from this database."""
        if self._fingerprint is None:
            self._fingerprint = self.connection.execute(FINGERPRINT).scalar_one_or_none()
        return self._fingerprint

    def end_attempts(self, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        """Record outcomes; an attempt that is gone, or that has ended, changes nothing."""
        self._ended += end_attempts(self.connection, self._workspace_id, attempts, now=now)

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
        """The people of deliveries; a suppressed person does not exist. Raises PendingMerge."""
        self._merge_first(cio_ids)
        rows = _RECIPIENTS.run(
            self.connection, {"of_workspace": self._workspace_id, "cio_ids": encode_json(list(cio_ids))}
        )
        return {cio_id: _recipient(attributes) for cio_id, attributes in rows}

    def blocked(self, keys: Sequence[str]) -> frozenset[str]:
        """Which addresses, by e-mail key, are suppressed or have an address block."""
        return blocked_addresses(self.connection, self._workspace_id, keys)

    def begin_attempts(self, attempts: Sequence[NewAttempt], *, now: datetime) -> None:  # noqa: ARG002 - the port's
        """Begin attempts: their deliveries are due again if they are not ended."""
        begun = sorted(attempts, key=_delivery_id)
        insert_rows(self.connection, attempt, [self._attempt_row(each) for each in begun])
        rows = [
            {
                "delivery_id": each.delivery_id,
                "due_at": to_microseconds(each.deadline + STALE_AFTER),
                "gate": gate_document(each.gate),
                "subject": each.subject,
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
        found = due_rows(self.connection, self._workspace_id, limit, exclude=exclude, now=now)
        self._end_stale([row for row in found if row.is_stale], now)
        rows = fitting_rows(self.connection, self._workspace_id, [row for row in found if not row.is_stale])
        self._merge_first({row.cio_id for row in rows if row.cio_id is not None})
        result = claimed(self.connection, self._workspace_id, rows, self.contents)
        self._fail_waiting(result.unreadable, now)
        return result.queued

    def flush(self) -> None:
        """Write what was collected."""
        held, self._held = sorted(self._held, key=_row_id), []
        SETTLE.run(self.connection, self._workspace_id, held)
        forget_finals(self.connection, self._workspace_id, [row["delivery_id"] for row in held])
        postponed, self._postponed = sorted(self._postponed, key=_row_id), []
        POSTPONE.run(self.connection, self._workspace_id, postponed)

    def finish(self, *, now: datetime) -> None:
        """Write what was collected; then counters and notices, the last rows that are locked."""
        self.flush()
        self._ended.write(self.connection, self._workspace_id, now=now)

    def _end_stale(self, rows: Sequence[DueRow], now: datetime) -> None:
        """End the attempts of senders that died as unknown."""
        last = attempts_of(self.connection, self._workspace_id, [row.delivery_id for row in rows])
        ended = [unknown_end(row, last[row.delivery_id], now) for row in rows if row.delivery_id in last]
        self.end_attempts(ended, now=now)
        # It would be due for ever.
        self._fail({row.delivery_id: NO_ATTEMPT for row in rows if row.delivery_id not in last}, now)

    def _fail_waiting(self, reasons: Mapping[str, str], now: datetime) -> None:
        """End deliveries that cannot be read, which would be due for ever; not one that was cancelled meanwhile."""
        if reasons:
            values = {
                "of_workspace": self._workspace_id,
                "ids": encode_json(sorted(reasons)),
                "now": to_microseconds(now),
            }
            waiting = [key for key, *_ in _LOCK_DUE.run(self.connection, values)]
            self._fail({key: reasons[key] for key in waiting}, now)

    def _fail(self, reasons: Mapping[str, str], now: datetime) -> None:
        for delivery_id, reason in reasons.items():
            self.hold(delivery_id, DeliveryState.FAILED, reason, None, now=now)
            logger.error("workspace %d: message %s is failed: %s", self._workspace_id, delivery_id, reason)
        self.flush()

    def _merge_first(self, cio_ids: Collection[str]) -> None:
        """Have people merged before they are read: the survivor may have unsubscribed. Raises PendingMerge."""
        if self.settings.row.merges_pending:
            raise_if_people_pending(self.connection, self._workspace_id, cio_ids)

    def _attempt_row(self, begun: NewAttempt) -> tuple[object, ...]:
        """A new attempt in the order of the table's columns."""
        times = (to_microseconds(begun.begun_at), to_microseconds(begun.deadline))
        key = (self._workspace_id, begun.delivery_id, begun.number)
        rules = (self.rules.send_version, begun.mode.value, begun.transport, self.lease.worker, begun.recipients)
        return (*key, *times, *rules, None, None, None, None)


def open_transaction(
    connection: sa.Connection, lease: RoomLease, contents: ContentCache, check: TimeCheck | None, *, now: datetime
) -> SQLSendingTransaction:
    """Lock the workspace shared, renew the lease, and read the rules. Raises StaleRevision, WrongTime."""
    settings = lock_room_workspace(connection, lease)
    renew_lease(connection, lease, check, now=now)
    return SQLSendingTransaction(
        connection=connection,
        lease=lease,
        settings=settings,
        contents=contents,
        rules=sending_rules_of(settings.row),
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
