"""The queues of all workspaces: leases of senders, their transactions, and the root key of the database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import RoomLease, RoomStatus
from workspace_operator.application.ports.sending import SendingTransaction
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.store.engine.sql import insert_statement
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.schema.sending_tables import sender
from workspace_operator.store.schema.tables import store_identity
from workspace_operator.store.sending.claims import ContentCache
from workspace_operator.store.sending.mailrooms import lease_room, release_room
from workspace_operator.store.sending.transactions import open_transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SQLSendingQueue(MergeOnTouchRepository):
    """Implements the port ``SendingQueue``."""

    _contents: ContentCache = field(default_factory=ContentCache, init=False)

    def lease_room(self, worker: str, duration: timedelta, *, now: datetime) -> RoomLease | None:
        """Lease the room that is due first and that no other sender leases."""
        return lease_room(self.database, worker, duration, now=now)

    def run(self, lease: RoomLease, work: Callable[[SendingTransaction], T], *, now: datetime) -> T:
        """Run ``work`` in one transaction and renew the lease. Raises StaleRevision."""

        def attempt(connection: sa.Connection) -> T:
            transaction = open_transaction(connection, lease, self._contents, now=now)
            result = work(transaction)
            transaction.flush()
            return result

        return self.merge_on_touch.run(lease.workspace_id, lambda: self.database.writing(attempt))

    def release_room(self, lease: RoomLease, *, now: datetime) -> RoomStatus:
        """Give the room back, due when its next delivery is. Raises StaleRevision."""
        return self.database.writing(lambda connection: release_room(connection, lease, now=now))

    def register_sender(
        self, worker: str, offers: Sequence[TransportOffer], key_fingerprint: str, *, now: datetime
    ) -> bool:
        """Write the heartbeat of a sender; whether the database has its root key."""
        values = {
            "worker": worker,
            "transports": [_offer_document(offer) for offer in offers],
            "key_fingerprint": key_fingerprint,
            "beat_at": now,
        }

        def work(connection: sa.Connection) -> bool:
            insert = insert_statement(connection, sender).values(values)
            connection.execute(insert.on_conflict_do_update(index_elements=[sender.c.worker], set_=values))
            fingerprint = connection.execute(_FINGERPRINT).scalar_one_or_none()
            if fingerprint is None:
                connection.execute(_SET_FIRST_FINGERPRINT, {"fingerprint": key_fingerprint})
                fingerprint = connection.execute(_FINGERPRINT).scalar_one_or_none()
            return bool(fingerprint == key_fingerprint)

        return self.database.writing(work)


def _offer_document(offer: TransportOffer) -> dict[str, object]:
    """A transport without secrets, as JSON."""
    return {
        "name": offer.name,
        "senderDomains": sorted(offer.sender_domains),
        "namespaces": sorted(offer.namespaces),
    }


_FINGERPRINT = sa.select(store_identity.c.root_key_fingerprint)
_SET_FIRST_FINGERPRINT = (
    sa.update(store_identity)
    .where(store_identity.c.root_key_fingerprint.is_(None))
    .values(root_key_fingerprint=sa.bindparam("fingerprint"))
)
