"""Identifier changes as the worker carries them out, each step one transaction (design §6).

The fence is closed wherever writers begin or cease to wait and at the switch itself, so that every call is wholly
before or wholly after. Locks are taken in the order fence, change, workspace.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.application.ports import Lease
from workspace_operator.errors import Moved
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.migrations.stages import ENDED, FOLLOWERS, Stage
from workspace_operator.reconcile.observed import PeopleCounts
from workspace_operator.store.counting import count_violations
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import close_fence
from workspace_operator.store.requests import let_writers_go
from workspace_operator.store.rows import migration_of, violation_values
from workspace_operator.store.tables import KIND_EMAIL, identifier, migration, person, workspace
from workspace_operator.store.violating import write_export


@dataclass(frozen=True, slots=True)
class SQLMigrations:
    """Implements the port ``Migrations``."""

    database: Database

    def claim(self, lease: Lease, *, now: datetime) -> Migration | None:
        """Lease a change that is due and that nobody else is working on, if there is one."""
        due = sa.select(migration).where(
            migration.c.due_at <= now,
            # What a change that was taken back has left is cleared even if it was paused before.
            sa.or_(migration.c.paused.is_(False), migration.c.stage == Stage.CANCELLED.value),
            sa.or_(
                migration.c.lease_expires_at.is_(None),
                migration.c.lease_expires_at <= now,
                migration.c.lease_owner == lease.worker,  # it failed in the middle of a step, and tries again
            ),
        )
        with self.database.reading() as connection:  # looking takes no lock, and there is mostly nothing
            first = connection.execute(due.order_by(migration.c.due_at).limit(1)).first()
        if first is None:
            return None
        ours = due.where(migration.c.workspace_id == first.workspace_id, migration.c.number == first.number)

        def work(connection: sa.Connection) -> Migration | None:
            row = connection.execute(ours.with_for_update(skip_locked=True)).one_or_none()
            if row is None:  # another worker was first; the next call looks for something else
                return None
            _update(connection, migration_of(row), lease_owner=lease.worker, lease_expires_at=now + lease.duration)
            return migration_of(row)

        return self.database.writing(work)

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        """Count people and violations from the indexes, without a lock."""
        with self.database.reading_one_snapshot() as connection:
            return count_violations(connection, workspace_id)

    def start_checking(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Requested or Blocked → Checking."""

        def work(connection: sa.Connection) -> Migration:
            _lock(connection, migration, lease)
            return _move(
                connection,
                migration,
                lease,
                now,
                stage=Stage.CHECKING,
                started_at=migration.started_at or now,
            )

        return self.database.writing(work)

    def hold(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Checking → Preparing: from here on writers wait."""

        def work(connection: sa.Connection) -> Migration:
            _lock(connection, migration, lease, fenced=True)
            connection.execute(_workspace(migration).values(writers_held=True))
            counts = {"people_total": people.total, "people_checked": people.total}
            return _move(connection, migration, lease, now, stage=Stage.PREPARING, cursor="", **counts)

        return self.database.writing(work)

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Let writers go, write the violations of this moment down as an export, and rest as Blocked."""

        def work(connection: sa.Connection) -> Migration:
            _lock(connection, migration, lease, fenced=True)
            let_writers_go(connection, migration.workspace_id)
            export, found = write_export(connection, migration, now)
            total: dict[str, object] = {"people_total": people.total, "people_checked": people.total}
            if export is None:
                return _move(connection, migration, lease, now, stage=Stage.CHECKING, **total)
            connection.execute(_workspace(migration).values(blocked_export=export))
            # The lease ends here: from the commit on it is the writers who make the change due again.
            resting = {"lease_owner": "", "lease_expires_at": None, "due_at": None, "export": export}
            values = violation_values(found) | total | resting
            return _move(connection, migration, lease, now, stage=Stage.BLOCKED, **values)

        return self.database.writing(work)

    def release(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        """Give the change back: to whoever claims from then on; None: until somebody asks for it."""

        def work(connection: sa.Connection) -> None:
            _lock(connection, migration, lease)
            _update(connection, migration, lease_owner="", lease_expires_at=None, due_at=due_at)

        self.database.writing(work)

    def clear_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> bool:
        """Remove up to ``size`` e-mail identifiers that no rule in force reads; True when none is left."""

        def work(connection: sa.Connection) -> bool:
            _lock(connection, migration, lease)
            _refuse_mode_with_email(connection, migration)
            ours = sa.and_(identifier.c.workspace_id == migration.workspace_id, identifier.c.kind == KIND_EMAIL)
            keys = sa.select(identifier.c.value_key).where(ours).order_by(identifier.c.value_key).limit(size)
            gone = connection.execute(sa.delete(identifier).where(ours, identifier.c.value_key.in_(keys))).rowcount
            _renew(connection, migration, lease, now, leftovers=gone == size)
            return gone < size

        return self.database.writing(work)

    def prepare_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> bool:
        """Add up to ``size`` of the future e-mail identifiers; True when all are there."""
        return self.database.writing(_preparing(migration, lease, size, now))

    def switch(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Preparing → Switched: the new rules are in force and writers go on, in one transaction."""

        def work(connection: sa.Connection) -> Migration:
            _lock(connection, migration, lease, fenced=True)
            let_writers_go(connection, migration.workspace_id)
            moved = {"mode": migration.to_mode.value, "row_version": workspace.c.row_version + 1}
            connection.execute(_workspace(migration).values(moved))
            clean = violation_values(ViolationCounts())
            return _move(connection, migration, lease, now, stage=Stage.SWITCHED, export=None, **clean)

        return self.database.writing(work)

    def complete(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Switched → Completed."""

        def work(connection: sa.Connection) -> Migration:
            _lock(connection, migration, lease)
            return _move(
                connection,
                migration,
                lease,
                now,
                stage=Stage.COMPLETED,
                completed_at=now,
                due_at=None,
                leftovers=False,
            )

        return self.database.writing(work)


def _preparing(change: Migration, lease: Lease, size: int, now: datetime) -> Callable[[sa.Connection], bool]:
    def work(connection: sa.Connection) -> bool:
        cursor = _lock(connection, change, lease).cursor
        keys = (
            sa.select(person.c.email_key, person.c.cio_id)
            .where(person.c.workspace_id == change.workspace_id, person.c.email_key > cursor)
            .order_by(person.c.email_key)
            .limit(size)
            .subquery()
        )
        last = connection.execute(sa.select(sa.func.max(keys.c.email_key), sa.func.count())).one()
        if last[1] == 0:
            _renew(connection, change, lease, now)
            return True
        source = sa.select(sa.literal(change.workspace_id), sa.literal(KIND_EMAIL), keys.c.email_key, keys.c.cio_id)
        names = ["workspace_id", "kind", "value_key", "cio_id"]
        connection.execute(sa.insert(identifier).from_select(names, source))
        _renew(connection, change, lease, now, cursor=last[0], leftovers=True)
        return bool(last[1] < size)

    return work


def _lock(
    connection: sa.Connection, change: Migration, lease: Lease, *, fenced: bool = False
) -> sa.Row[tuple[object, ...]]:
    if fenced:
        close_fence(connection, change.workspace_id)
    query = sa.select(migration).filter_by(workspace_id=change.workspace_id, number=change.number)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None or row.lease_owner != lease.worker or row.revision != change.revision:
        raise Moved(f"identifier change {change.number} of workspace number {change.workspace_id} has moved on")
    return row


def _refuse_mode_with_email(connection: sa.Connection, change: Migration) -> None:
    query = sa.select(workspace.c.mode).where(workspace.c.workspace_id == change.workspace_id)
    if connection.execute(query).scalar_one() != Mode.ID_ONLY.value:
        raise Moved("the e-mail identifiers are in force")


def _move(
    connection: sa.Connection,
    change: Migration,
    lease: Lease,
    now: datetime,
    *,
    stage: Stage,
    **values: object,
) -> Migration:
    if stage is not change.stage and stage not in FOLLOWERS[change.stage]:
        raise AssertionError(f"{stage} does not follow {change.stage}")
    lasting = {"lease_expires_at": now + lease.duration, "due_at": now} if stage not in ENDED else {}
    _update(connection, change, stage=stage.value, revision=change.revision + 1, **{**lasting, **values})
    query = sa.select(migration).filter_by(workspace_id=change.workspace_id, number=change.number)
    return migration_of(connection.execute(query).one())


def _renew(connection: sa.Connection, change: Migration, lease: Lease, now: datetime, **values: object) -> None:
    _update(connection, change, lease_expires_at=now + lease.duration, **values)


def _update(connection: sa.Connection, change: Migration, **values: object) -> None:
    statement = sa.update(migration).filter_by(workspace_id=change.workspace_id, number=change.number)
    connection.execute(statement.values(values))


def _workspace(change: Migration) -> sa.Update:
    return sa.update(workspace).where(workspace.c.workspace_id == change.workspace_id)
