"""Mailrooms: the queue of a workspace and the lease of the sender that works on it.

A mailroom says when its first delivery is due. Acceptance locks it FOR KEY SHARE, and brings the time forward where it
is later. The release of a lease tries FOR UPDATE: if that fails, an acceptance is under way, and it stays due.
Otherwise every acceptance has ended or waits, and the look that follows sees all deliveries. So none is forgotten.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.application.ports import MAX_DUE_DELAY, RoomLease, RoomStatus
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.store.engine.clocks import TimeCheck
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import CompiledStatement, insert_statement
from workspace_operator.store.schema.sending_tables import HAS_DUE_TIME, delivery, mailroom
from workspace_operator.store.schema.tables import workspace
from workspace_operator.store.schema.types import to_microseconds
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot, lock_and_read_settings


def wake_room(connection: sa.Connection, workspace_id: int, due_at: datetime) -> None:
    """Have the mailroom be due at a time, unless it is due earlier; create it if there is none."""
    insert = insert_statement(connection, mailroom)
    upsert = insert.on_conflict_do_update(
        index_elements=[mailroom.c.workspace_id],
        set_={"next_due_at": insert.excluded.next_due_at},
        where=sa.or_(mailroom.c.next_due_at.is_(None), mailroom.c.next_due_at > insert.excluded.next_due_at),
    )
    connection.execute(upsert, {"workspace_id": workspace_id, "next_due_at": due_at})


def wake_waiting_room(connection: sa.Connection, workspace_id: int) -> None:
    """Have a mailroom be due with its first delivery: under new rules it need not wait for a transport any more.

    The workspace is locked exclusively. A mailroom that is leased finds the new rules when it is given back.
    """
    first = connection.execute(FIRST_DUE, {"of_workspace": workspace_id}).scalar_one_or_none()
    if first is not None:
        wake_room(connection, workspace_id, first)


def lock_room_shared(connection: sa.Connection, workspace_id: int) -> None:
    """Keep the release of a lease from missing the deliveries that this transaction makes due."""
    query = sa.select(mailroom.c.workspace_id).where(mailroom.c.workspace_id == workspace_id)
    connection.execute(query.with_for_update(read=True, key_share=True)).first()


def lease_room(
    database: Database, worker: str, duration: timedelta, *, exclude: frozenset[int], now: datetime
) -> RoomLease | None:
    """Lease the mailroom that is due first, except some; None if none is due."""
    parameters = {"now": now, "far": now + MAX_DUE_DELAY, "exclude": sorted(exclude)}
    with database.reading() as connection:  # without a lock, since usually nothing is due
        if connection.execute(_DUE, parameters).first() is None:
            return None

    def work(connection: sa.Connection) -> RoomLease | None:
        found = connection.execute(_LOCK_DUE, parameters).scalar_one_or_none()
        if found is None:  # another sender was first
            return None
        values = {"lease_owner": worker, "lease_expires_at": now + duration}
        connection.execute(sa.update(mailroom).where(mailroom.c.workspace_id == found).values(values))
        owned = sa.select(workspace.c.owner_namespace, workspace.c.owner_name, workspace.c.send_version)
        owner = connection.execute(owned.where(workspace.c.workspace_id == found)).one_or_none()
        return RoomLease(
            workspace_id=found,
            namespace=owner.owner_namespace if owner else "",
            name=owner.owner_name if owner else "",
            worker=worker,
            duration=duration,
            send_version=owner.send_version if owner else 0,
        )

    return database.writing(work)


def lock_room_workspace(connection: sa.Connection, lease: RoomLease) -> SettingsSnapshot:
    """Lock the workspace of a room shared, and read its settings. Raises StaleRevision if it is gone."""
    try:
        return lock_and_read_settings(connection, lease.workspace_id)
    except NotFound as error:
        raise StaleRevision(str(error)) from error


def renew_lease(connection: sa.Connection, lease: RoomLease, check: TimeCheck | None = None, *, now: datetime) -> None:
    """Renew the lease in a transaction.

    Raises:
        StaleRevision: another sender has it, or the workspace is gone.
        WrongTime: the time of ``check`` is not the database's; not on SQLite.
    """
    values = {
        "of_workspace": lease.workspace_id,
        "worker": lease.worker,
        "expires_at": to_microseconds(now + lease.duration),
    }
    asked_after = check.passed() if check else timedelta()
    renewed = _RENEW.run(connection, values)
    if not renewed:
        raise _lost(lease)
    if check and renewed[0][0] is not None:
        check.compare(renewed[0][0], asked_after=asked_after)


def release_room(
    connection: sa.Connection, lease: RoomLease, *, not_before: datetime | None, now: datetime
) -> RoomStatus:
    """Give the mailroom back. Raises StaleRevision.

    It is due again when its next delivery is, but not before now, so that workspaces take turns. ``not_before`` comes
    from the sending rules: if they have changed since the lease began, it is ignored.
    """
    earliest = now
    if not_before is not None and lock_room_workspace(connection, lease).row.send_version == lease.send_version:
        earliest = max(now, not_before)
    held = sa.and_(mailroom.c.workspace_id == lease.workspace_id, mailroom.c.lease_owner == lease.worker)
    is_locked = connection.execute(sa.select(held).where(held).with_for_update(skip_locked=True)).first() is not None
    next_due_at: datetime | None = earliest
    if is_locked:
        first = connection.execute(FIRST_DUE, {"of_workspace": lease.workspace_id}).scalar_one_or_none()
        next_due_at = None if first is None else max(first, earliest)
    values = {"lease_owner": "", "lease_expires_at": None, "next_due_at": next_due_at}
    if connection.execute(sa.update(mailroom).where(held).values(values)).rowcount != 1:
        raise _lost(lease)
    return RoomStatus(next_due_at=next_due_at)


def oldest_due_at(connection: sa.Connection) -> datetime | None:
    """When the first delivery of the mailrooms that are due first was due; None if none waits."""
    rooms = connection.execute(_FIRST_ROOMS).scalars().all()
    due = [connection.execute(FIRST_DUE, {"of_workspace": room}).scalar_one_or_none() for room in rooms]
    return min((at for at in due if at is not None), default=None)


def _lost(lease: RoomLease) -> StaleRevision:
    return StaleRevision(f"the lease of {lease.worker} on workspace number {lease.workspace_id} was lost")


FIRST_DUE = (
    sa.select(delivery.c.due_at)
    .where(delivery.c.workspace_id == sa.bindparam("of_workspace"), HAS_DUE_TIME)
    .order_by(delivery.c.due_at)
    .limit(sa.literal_column("1"))
)
"""When the first delivery of a workspace is due."""

# A mailroom that is not among them was looked at later than all of these.
_FIRST_ROOMS = (
    sa.select(mailroom.c.workspace_id)
    .where(mailroom.c.next_due_at.is_not(None))
    .order_by(mailroom.c.next_due_at)
    .limit(sa.literal_column("50"))
)

_NOW = sa.bindparam("now", type_=mailroom.c.next_due_at.type)

# A lease that ends too far in the future was written before the clock was set back.
_DUE = (
    sa.select(mailroom.c.workspace_id)
    .where(
        mailroom.c.next_due_at <= _NOW,
        mailroom.c.workspace_id.not_in(sa.bindparam("exclude", expanding=True)),
        sa.or_(
            mailroom.c.lease_expires_at.is_(None),
            mailroom.c.lease_expires_at <= _NOW,
            mailroom.c.lease_expires_at > sa.bindparam("far", type_=mailroom.c.next_due_at.type),
        ),
    )
    .order_by(mailroom.c.next_due_at)
    .limit(sa.literal_column("1"))
)
# Compatible with the lock of acceptance, unlike FOR UPDATE.
_LOCK_DUE = _DUE.with_for_update(skip_locked=True, key_share=True)

_RENEW = CompiledStatement(
    lambda dialect: (
        sa.update(mailroom)
        .where(
            mailroom.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
            mailroom.c.lease_owner == sa.bindparam("worker", type_=sa.Text),
        )
        .values(lease_expires_at=sa.bindparam("expires_at", type_=sa.BigInteger))
        .returning(sa.null() if dialect.name == "sqlite" else sa.func.clock_timestamp())
    )
)
