"""The directory of workspaces in the database: what reconciles observe and put in force."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, assert_never

import sqlalchemy as sa

from workspace_operator.application.ports import Sought
from workspace_operator.errors import Ambiguous, Moved, NotFound
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.reconcile.observed import (
    Candidate,
    Observed,
    Owner,
    SettledWorkspace,
    SpecVersion,
    StoredWorkspace,
)
from workspace_operator.reconcile.plan import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RecordSpec,
    RequestMigration,
    RetryMigration,
    TakeOver,
)
from workspace_operator.store import requests
from workspace_operator.store.directory_tables import store_identity
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import close_fence
from workspace_operator.store.heartbeats import STORE_ID, known_store_id, namesakes_of
from workspace_operator.store.names import name_holder, refuse_taken_name
from workspace_operator.store.rows import (
    ACCOUNT_NAME,
    IN_ACCOUNT,
    IS_OWNED,
    WITH_ACCOUNT,
    WITH_OWNER,
    Row,
    migration_of,
    newest_migration,
    owner_of,
    owner_values,
    place_of,
    settings_values,
    workspace_of,
)
from workspace_operator.store.spec_fence import RELEASED, accepted, recorded, refuse_late
from workspace_operator.store.tables import (
    FENCE_SLOTS,
    PER_WORKSPACE,
    account,
    credential,
    fence,
    migration,
    workspace,
)

_NUMBERED = WITH_ACCOUNT.where(workspace.c.workspace_id == sa.bindparam("workspace_id"))

_STORE_AND_OURS = sa.select(store_identity.c.store_id, workspace, ACCOUNT_NAME).select_from(
    sa.outerjoin(store_identity, IN_ACCOUNT, IS_OWNED)
)

_NUMBER_OF_OWNER = sa.select(workspace.c.workspace_id).where(IS_OWNED)

_ACCOUNT = sa.select(account.c.account_id).where(
    account.c.cluster == sa.bindparam("cluster"),
    account.c.namespace == sa.bindparam("namespace"),
    account.c.name == sa.bindparam("name"),
)

_INSERT_WORKSPACE = sa.insert(workspace).returning(workspace.c.workspace_id)

_LISTED: Final = "`workspacectl workspaces list` lists those there are"


@dataclass(frozen=True, slots=True)
class SQLWorkspaces:
    """Implements the port ``Workspaces``."""

    database: Database

    def observe(self, sought: Sought) -> Observed:
        """Look at one moment of the store; candidates come back as not released, and people are not counted."""
        with self.database.reading_one_snapshot() as connection:
            return _observe(connection, sought)

    def carry_out(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        """Carry one action out, whole or not at all. Raises NameTaken or Moved.

        Args:
            action: what to do.
            now: aware.
            spec: the document that asks for it; None for an administrator. A document that is older than what was
                carried out is refused by Moved.
        """
        self.database.writing(_work_of(action, now, spec))

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[SettledWorkspace]:
        """List the workspaces whose row is as it was when the newest generation of their spec was recorded."""
        store_id = STORE_ID.scalar_subquery().label("store_id")
        newest = (_newest(credential.c.request, "rotation_request"), _newest(credential.c.created_at, "rotated_at"))
        query = sa.select(workspace, *newest, store_id).where(
            workspace.c.owner_cluster == cluster,
            workspace.c.owner_namespace.in_(namespaces),
            workspace.c.row_version == workspace.c.spec_row_version,
        )
        with self.database.reading() as connection:
            return [
                SettledWorkspace(
                    store_id=row.store_id or "",
                    workspace_id=row.workspace_id,
                    owner=owner_of(row),
                    generation=row.spec_generation,
                    mode=Mode(row.mode),
                    rotation_request=row.rotation_request or "",
                    rotated_at=row.rotated_at,
                )
                for row in connection.execute(query)
            ]

    def unreported(self) -> Sequence[tuple[Owner, Migration]]:
        """List the workspaces whose identifier change has moved, or whose numbers have, since it was last reported."""
        later = migration.alias("later")
        is_past = sa.exists().where(
            later.c.workspace_id == migration.c.workspace_id, later.c.number > migration.c.number
        )
        query = WITH_OWNER.where(
            sa.or_(
                migration.c.revision != migration.c.reported_revision,
                migration.c.progress != migration.c.reported_progress,
            ),
            ~is_past,  # resources tell of the newest only
        )
        with self.database.reading() as connection:
            return [(owner_of(row), migration_of(row)) for row in connection.execute(query)]

    def reported(self, migration_: Migration) -> None:
        """Note that the resource tells of this revision of the change, and of these numbers."""
        told = {"reported_revision": migration_.revision, "reported_progress": migration_.progress}
        news = sa.and_(
            migration.c.workspace_id == migration_.workspace_id,
            migration.c.number == migration_.number,
            # Neither number ever shrinks, so what has more of one has no less of the other.
            sa.or_(*(migration.c[column] < number for column, number in told.items())),
        )
        with self.database.reading() as connection:  # mostly there is none, and then nothing is written
            if connection.execute(sa.select(migration.c.number).where(news)).first() is None:
                return
        statement = sa.update(migration).where(news).values(told)
        self.database.writing(lambda connection: connection.execute(statement).rowcount)

    def find(self, namespace: str, name: str, *, cluster: str | None = None) -> StoredWorkspace:
        """Find a workspace by its owner's name. Raises NotFound or Ambiguous."""
        query = WITH_ACCOUNT.where(workspace.c.owner_namespace == namespace, workspace.c.owner_name == name)
        if cluster is not None:
            query = query.where(workspace.c.owner_cluster == cluster)
        with self.database.reading() as connection:
            found = [workspace_of(row) for row in connection.execute(query.order_by(workspace.c.workspace_id))]
        if not found:
            raise NotFound(f"there is no workspace {namespace}/{name} in {self.database.name}: {_LISTED}")
        if len(found) > 1:
            clusters = ", ".join(one.owner.cluster for one in found)
            raise Ambiguous(f"{namespace}/{name} exists in several clusters; choose one with --cluster-id: {clusters}")
        return found[0]

    def get(self, workspace_id: int) -> StoredWorkspace:
        """Find a workspace by its number. Raises NotFound."""
        with self.database.reading() as connection:
            found = _numbered(connection, workspace_id)
        if found is None:
            raise NotFound(f"there is no workspace number {workspace_id} in {self.database.name}: {_LISTED}")
        return found

    def list(self) -> Sequence[StoredWorkspace]:
        """All workspaces, by number."""
        with self.database.reading() as connection:
            rows = connection.execute(WITH_ACCOUNT.order_by(workspace.c.workspace_id))
            return [workspace_of(row) for row in rows]


def _newest(column: sa.Column[Any], name: str) -> sa.Label[Any]:
    """What the newest credentials of a workspace say."""
    ours = sa.select(column).where(credential.c.workspace_id == workspace.c.workspace_id)
    return ours.order_by(credential.c.number.desc()).limit(1).scalar_subquery().label(name)


def _observe(connection: sa.Connection, sought: Sought) -> Observed:
    store_id, ours = _store_id_and_ours(connection, sought.owner)
    named = name_holder(connection, sought.display_name, ours, owner=sought.owner, account_name=sought.account)
    newest = newest_migration(connection, ours.workspace_id) if ours else None
    return Observed(
        workspace=ours,
        name_holder=_candidate(named),
        adoptable=_candidate(_numbered(connection, sought.adopt)),
        remembered=_candidate(_remembered(connection, sought, ours)),
        migration=None if newest is None else migration_of(newest),
        people=None,
        store_id=store_id,
        namesakes=() if ours else namesakes_of(connection, sought.owner),
    )


def _store_id_and_ours(connection: sa.Connection, owner: Owner) -> tuple[str, StoredWorkspace | None]:
    row = connection.execute(_STORE_AND_OURS, place_of(owner)).one_or_none()
    if row is None:
        return known_store_id(None), None
    return known_store_id(row.store_id), None if row.workspace_id is None else workspace_of(row)


def _numbered(connection: sa.Connection, workspace_id: int | None) -> StoredWorkspace | None:
    if workspace_id is None:
        return None
    row = connection.execute(_NUMBERED, {"workspace_id": workspace_id}).one_or_none()
    return None if row is None else workspace_of(row)


def _remembered(connection: sa.Connection, sought: Sought, ours: StoredWorkspace | None) -> StoredWorkspace | None:
    """Mostly it is ours, and needs no query."""
    return None if ours and ours.workspace_id == sought.remembered else _numbered(connection, sought.remembered)


def _candidate(found: StoredWorkspace | None, *, unless: StoredWorkspace | None = None) -> Candidate | None:
    if found is None or (unless is not None and found.workspace_id == unless.workspace_id):
        return None
    return Candidate(workspace=found, released=False)


def _work_of(action: Action, now: datetime, spec: SpecVersion | None) -> Callable[[sa.Connection], None]:  # noqa: C901 - one line a kind of action
    match action:
        case CreateWorkspace():
            return lambda connection: _create(connection, action, spec)
        case TakeOver():
            return lambda connection: take_over(connection, action, spec)
        case PutInForce():
            return lambda connection: _put_in_force(connection, action, spec)
        case DestroyWorkspace():
            return lambda connection: destroy(connection, action, spec)
        case RequestMigration():
            return lambda connection: requests.request(connection, action, now, spec)
        case CancelMigration():
            return lambda connection: requests.cancel(connection, action, now, spec)
        case PauseMigration():
            return lambda connection: requests.pause(connection, action, now, spec)
        case RetryMigration():
            return lambda connection: requests.retry(connection, action, now, spec)
        case RecordSpec():
            return lambda connection: _record_spec(connection, action, spec)
        case AcceptLowerGeneration():
            return lambda connection: _accept_lower_generation(connection, action)
        case _ as never:
            assert_never(never)


def _create(connection: sa.Connection, action: CreateWorkspace, spec: SpecVersion | None) -> None:
    if connection.execute(_NUMBER_OF_OWNER, place_of(action.owner)).first():
        raise Moved(f"{action.owner.namespace}/{action.owner.name} has a workspace already")
    account_id = _account(connection, action.owner, action.account)
    refuse_taken_name(connection, account_id, action.settings.display_name, own=None)
    values = settings_values(action.settings) | owner_values(action.owner)
    values |= {
        "account_id": account_id,
        "mode": action.mode,
        "row_version": 1,
        "spec_generation": spec.generation if spec else 0,
        "spec_row_version": 1,
        "tracks_changes": False,
    }
    workspace_id = connection.execute(_INSERT_WORKSPACE, values).scalar_one()
    if workspace_id == action.instead_of:  # a new database counts from the beginning; the next number is another one
        connection.execute(sa.delete(workspace).where(workspace.c.workspace_id == workspace_id))
        workspace_id = connection.execute(_INSERT_WORKSPACE, values).scalar_one()
    connection.execute(sa.insert(fence), [{"workspace_id": workspace_id, "slot": n} for n in range(FENCE_SLOTS)])


def _account(connection: sa.Connection, owner: Owner, name: str) -> int:
    """The account of that name in the owner's namespace, made if need be."""
    values = {"cluster": owner.cluster, "namespace": owner.namespace, "name": name}
    found = connection.execute(_ACCOUNT, values).scalar_one_or_none()
    if found is None:
        found = connection.execute(sa.insert(account).values(values).returning(account.c.account_id)).scalar_one()
    return int(found)


def _locked(connection: sa.Connection, workspace_id: int, row_version: int) -> Row:
    query = sa.select(workspace).where(workspace.c.workspace_id == workspace_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None or row.row_version != row_version:
        raise Moved(f"workspace number {workspace_id} has changed since it was read")
    return row


def take_over(connection: sa.Connection, action: TakeOver, spec: SpecVersion | None) -> None:
    """Change the owner; in another namespace the workspace joins the account of the same name there.

    An account belongs to one namespace. Raises Moved or NameTaken.
    """
    row = _locked(connection, action.workspace_id, action.row_version)
    taken = connection.execute(_NUMBER_OF_OWNER, place_of(action.owner)).scalar_one_or_none()
    if taken not in (None, action.workspace_id):
        raise Moved(f"{action.owner.namespace}/{action.owner.name} has workspace number {taken} already")
    name = connection.execute(sa.select(account.c.name).where(account.c.account_id == row.account_id)).scalar_one()
    account_id = _account(connection, action.owner, name)
    refuse_taken_name(connection, account_id, row.display_name, own=action.workspace_id)
    values = owner_values(action.owner) | {"account_id": account_id, "spec_generation": spec.generation if spec else 0}
    _update(connection, action.workspace_id, values | RELEASED)


def _put_in_force(connection: sa.Connection, action: PutInForce, spec: SpecVersion | None) -> None:
    close_fence(connection, action.workspace_id)  # no call may be half under the old update rules
    row = _locked(connection, action.workspace_id, action.row_version)
    refuse_late(row, spec)
    refuse_taken_name(connection, row.account_id, action.settings.display_name, own=action.workspace_id)
    is_settled = {"spec_row_version": row.row_version + 1} if spec else {}
    _update(connection, action.workspace_id, settings_values(action.settings) | is_settled | recorded(row, spec))


def _record_spec(connection: sa.Connection, action: RecordSpec, spec: SpecVersion | None) -> None:
    row = _locked(connection, action.workspace_id, action.row_version)
    refuse_late(row, spec)
    values = {"spec_generation": action.generation, "spec_row_version": row.row_version}
    _write(connection, action.workspace_id, values | recorded(row, spec))


def _accept_lower_generation(connection: sa.Connection, action: AcceptLowerGeneration) -> None:
    row = _locked(connection, action.workspace_id, action.row_version)
    _write(connection, action.workspace_id, accepted(row, action))


def _update(connection: sa.Connection, workspace_id: int, values: dict[str, object]) -> None:
    _write(connection, workspace_id, values | {"row_version": workspace.c.row_version + 1})


def _write(connection: sa.Connection, workspace_id: int, values: Mapping[str, object]) -> None:
    connection.execute(sa.update(workspace).where(workspace.c.workspace_id == workspace_id).values(values))


def destroy(connection: sa.Connection, action: DestroyWorkspace, spec: SpecVersion | None) -> None:
    """Delete a workspace with everything that it holds. Raises Moved."""
    close_fence(connection, action.workspace_id)
    # Who asks for a change locks the workspace, who carries one out locks the change: both are waited for and kept
    # out before anything else goes, so that neither leaves rows behind.
    refuse_late(_locked(connection, action.workspace_id, action.row_version), spec)
    for table in (migration, credential, *PER_WORKSPACE):
        connection.execute(sa.delete(table).where(table.c.workspace_id == action.workspace_id))
    connection.execute(sa.delete(workspace).where(workspace.c.workspace_id == action.workspace_id))
