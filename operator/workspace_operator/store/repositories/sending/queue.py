"""The queues of all workspaces: leases of senders, their transactions, and the root key of the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import (
    EndedAttempt,
    RefusedMessages,
    RegisteredSender,
    RoomLease,
    RoomStatus,
    SendingTransaction,
)
from workspace_operator.errors import StoreUnavailable
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.store.engine.clocks import DatabaseClock, TimeCheck, WrongTime
from workspace_operator.store.engine.sql import insert_statement
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.queries.sending_state import FINGERPRINT, offer_document, offer_of
from workspace_operator.store.schema.sending_tables import sender
from workspace_operator.store.schema.tables import store_identity
from workspace_operator.store.sending.claims import ContentCache
from workspace_operator.store.sending.discards import discard_waiting_messages
from workspace_operator.store.sending.mailrooms import lease_room, lock_room_workspace, oldest_due_at, release_room
from workspace_operator.store.sending.settlements import end_attempts
from workspace_operator.store.sending.transactions import open_transaction

FORGET_SENDERS_AFTER: Final = timedelta(days=1)
"""Every start of a sender makes a row, since names are unique."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SQLSendingQueue(MergeOnTouchRepository):
    """Implements the port ``SendingQueue``.

    Attributes:
        clock: whose times it is given; a deadline is written only if that is the database's time. None: any times.
    """

    clock: DatabaseClock | None = None
    _contents: ContentCache = field(default_factory=ContentCache, init=False)

    def lease_room(
        self, worker: str, duration: timedelta, *, exclude: frozenset[int] = frozenset(), now: datetime
    ) -> RoomLease | None:
        """Lease the room that is due first and that no other sender leases."""
        return lease_room(self.database, worker, duration, exclude=exclude, now=now)

    def run(self, lease: RoomLease, work: Callable[[SendingTransaction], T], *, now: datetime) -> T:
        """Run ``work`` in one transaction and renew the lease. Raises StaleRevision."""
        check = None if self.clock is None else TimeCheck(now=now)

        def attempt(connection: sa.Connection) -> T:
            transaction = open_transaction(connection, lease, self._contents, check, now=now)
            result = work(transaction)
            transaction.finish(now=now)
            return result

        try:
            return self.merge_on_touch.run(lease.workspace_id, lambda: self.database.writing(attempt))
        except WrongTime as error:
            if self.clock is not None:
                self.clock.synchronize()
            raise StoreUnavailable(
                f"the clock of {self.database.name} was set: nothing begins by its earlier time; the sender tries again"
            ) from error

    def end_attempts(self, lease: RoomLease, attempts: Sequence[EndedAttempt], *, now: datetime) -> None:
        """Record outcomes without the lease. Raises StaleRevision if the workspace is gone."""

        def work(connection: sa.Connection) -> None:
            lock_room_workspace(connection, lease)
            ended = end_attempts(connection, lease.workspace_id, attempts, now=now)
            ended.write(connection, lease.workspace_id, now=now)

        self.database.writing(work)

    def release_room(self, lease: RoomLease, *, not_before: datetime | None, now: datetime) -> RoomStatus:
        """Give the room back, due when its next delivery is, but not before a time. Raises StaleRevision."""
        return self.database.writing(lambda connection: release_room(connection, lease, not_before=not_before, now=now))

    def oldest_due_at(self) -> datetime | None:
        """The earliest due time of the messages that wait in any workspace; None without any."""
        with self.database.reading() as connection:
            return oldest_due_at(connection)

    def register_sender(
        self,
        worker: str,
        offers: Sequence[TransportOffer],
        key_fingerprint: str,
        *,
        refusals: Sequence[RefusedMessages] = (),
        now: datetime,
    ) -> bool:
        """Write the heartbeat of a sender; whether the database has its root key."""
        values = {
            "worker": worker,
            "transports": [offer_document(offer) for offer in offers],
            "key_fingerprint": key_fingerprint,
            "beat_at": now,
            "refusals": [asdict(each) | {"hour": each.hour.isoformat()} for each in refusals],
        }

        def work(connection: sa.Connection) -> bool:
            insert = insert_statement(connection, sender).values(values)
            connection.execute(insert.on_conflict_do_update(index_elements=[sender.c.worker], set_=values))
            connection.execute(sa.delete(sender).where(sender.c.beat_at < now - FORGET_SENDERS_AFTER))
            fingerprint = connection.execute(FINGERPRINT).scalar_one_or_none()
            if fingerprint is None:
                connection.execute(_SET_FIRST_FINGERPRINT, {"fingerprint": key_fingerprint})
                fingerprint = connection.execute(FINGERPRINT).scalar_one_or_none()
            return bool(fingerprint == key_fingerprint)

        return self.database.writing(work)

    def senders(self) -> Sequence[RegisteredSender]:
        """The senders of the installation, also those whose heartbeat is old, by name."""
        with self.database.reading() as connection:
            fingerprint = connection.execute(FINGERPRINT).scalar_one_or_none()
            rows = connection.execute(sa.select(sender).order_by(sender.c.worker))
            return [
                RegisteredSender(
                    worker=row.worker,
                    offers=tuple(map(offer_of, row.transports)),
                    has_database_key=row.key_fingerprint == fingerprint,
                    beat_at=row.beat_at,
                    refusals=tuple(map(_refusals_of, row.refusals or ())),
                )
                for row in rows
            ]

    def adopt_database(self, key_fingerprint: str, *, discard_waiting: bool, now: datetime) -> int:
        """Make a root key that of the database, then discard the waiting messages if that is wanted.

        In this order, senders of the earlier installation begin nothing more of what is discarded. A run that was
        interrupted can be repeated.
        """
        update = sa.update(store_identity).values(root_key_fingerprint=key_fingerprint)
        self.database.writing(lambda connection: connection.execute(update).rowcount)
        return discard_waiting_messages(self.database, now=now) if discard_waiting else 0


def _refusals_of(document: Mapping[str, Any]) -> RefusedMessages:
    return RefusedMessages(**{**document, "hour": datetime.fromisoformat(document["hour"])})


_SET_FIRST_FINGERPRINT = (
    sa.update(store_identity)
    .where(store_identity.c.root_key_fingerprint.is_(None))
    .values(root_key_fingerprint=sa.bindparam("fingerprint"))
)
