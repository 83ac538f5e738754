"""What of a workspace's messages waits or is handed over, and which senders are alive (sending §3.4, §4)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from workspace_operator.reconcile.model.sending import SENDER_DEAD_AFTER, LiveSenders, ObservedSending
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import HAS_DUE_TIME, attempt, delivery, sender
from workspace_operator.store.schema.tables import store_identity
from workspace_operator.store.schema.types import UTCTime
from workspace_operator.workspaces.model import Workspace

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_IS_EARLIER = attempt.c.send_version < sa.bindparam("send_version", type_=sa.BigInteger)
_IS_IN_FLIGHT = (
    attempt.c.workspace_id == _WORKSPACE,
    attempt.c.ended_at.is_(None),
    attempt.c.deadline > sa.bindparam("now", type_=UTCTime),
)
_IS_DUE = (delivery.c.workspace_id == _WORKSPACE, HAS_DUE_TIME)
_IS_WAITING = delivery.c.state == sa.literal_column(f"'{DeliveryState.WAITING}'")
_IS_ALIVE = sender.c.beat_at > sa.bindparam("alive_after", type_=UTCTime)
_IN_FLIGHT = (
    sa.select(
        sa.func.count().label("in_flight"),
        sa.func.count(sa.case((_IS_EARLIER, 1))).label("draining"),
        sa.func.max(sa.case((_IS_EARLIER, attempt.c.deadline))).label("drained_by"),
    )
    .where(*_IS_IN_FLIGHT)
    .subquery("attempts")
)
FINGERPRINT = sa.select(store_identity.c.root_key_fingerprint)
"""The fingerprint of the root key whose installation sends from the database."""

_FINGERPRINT = FINGERPRINT.scalar_subquery()

SENDING_STATE = sa.select(
    _IN_FLIGHT,
    sa.exists(sa.select(delivery.c.delivery_id).where(*_IS_DUE, _IS_WAITING)).label("has_waiting"),
    _FINGERPRINT.label("root_key_fingerprint"),
    sender.c.transports,
    sender.c.key_fingerprint,
).select_from(sa.outerjoin(_IN_FLIGHT, sender, _IS_ALIVE))
"""A row per live sender, or one without sender."""

LIVE_SENDERS = sa.select(
    _FINGERPRINT.label("root_key_fingerprint"), sender.c.transports, sender.c.key_fingerprint
).where(_IS_ALIVE)

_UNENDED = sa.select(sa.func.count()).where(attempt.c.workspace_id == _WORKSPACE, attempt.c.ended_at.is_(None))
WAITING = sa.select(sa.func.count() - _UNENDED.scalar_subquery()).select_from(delivery).where(*_IS_DUE)
"""A delivery that is being handed over is due as well; both counts need their index only."""

IN_FLIGHT = sa.select(sa.func.count()).select_from(attempt).where(*_IS_IN_FLIGHT)


def sending_state(connection: sa.Connection, workspace: Workspace, now: datetime) -> ObservedSending:
    """Observe the messages of a workspace without counting those that wait, and the senders."""
    values = {
        "workspace_id": workspace.workspace_id,
        "send_version": workspace.send_version,
        "now": now,
        "alive_after": now - SENDER_DEAD_AFTER,
    }
    rows = connection.execute(SENDING_STATE, values).all()
    first = rows[0]
    return ObservedSending(
        has_waiting=bool(first.has_waiting),
        in_flight=first.in_flight,
        draining=first.draining,
        drained_by=first.drained_by,
        senders=_senders_of(row for row in rows if row.key_fingerprint is not None),
    )


def live_senders(connection: sa.Connection, now: datetime) -> LiveSenders:
    """The senders that are alive."""
    return _senders_of(connection.execute(LIVE_SENDERS, {"alive_after": now - SENDER_DEAD_AFTER}))


def count_waiting(connection: sa.Connection, workspace_id: int) -> int:
    """The number of messages that wait; an index scan."""
    return max(int(connection.execute(WAITING, {"workspace_id": workspace_id}).scalar_one()), 0)


def count_in_flight(connection: sa.Connection, workspace_id: int, now: datetime) -> int:
    """The number of messages that are being handed over."""
    return int(connection.execute(IN_FLIGHT, {"workspace_id": workspace_id, "now": now}).scalar_one())


def count_unended(connection: sa.Connection, workspace_id: int) -> int:
    """The number of hand-overs without an outcome, also of those whose deadline has passed."""
    return int(connection.execute(_UNENDED, {"workspace_id": workspace_id}).scalar_one())


def offer_document(offer: TransportOffer) -> dict[str, object]:
    """A transport without secrets, as JSON: an entry of the column ``transports`` of a sender."""
    return {
        "name": offer.name,
        "senderDomains": sorted(offer.sender_domains),
        "namespaces": sorted(offer.namespaces),
    }


def offer_of(document: Mapping[str, Any]) -> TransportOffer:
    """Read a transport from its JSON."""
    return TransportOffer(
        name=document["name"],
        sender_domains=frozenset(document["senderDomains"]),
        namespaces=frozenset(document["namespaces"]),
    )


def _senders_of(rows: Iterable[Row]) -> LiveSenders:
    """Only a sender whose root key is that of the database offers anything; before the first sender it has none."""
    found = list(rows)
    with_key = [row for row in found if row.root_key_fingerprint in (None, row.key_fingerprint)]
    offers = tuple(offer_of(document) for row in with_key for document in row.transports)
    return LiveSenders(with_key=len(with_key), with_other_key=len(found) - len(with_key), offers=offers)
