"""The directory of workspaces: the state that a reconcile observes, and its actions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, assert_never

import sqlalchemy as sa

from workspace_operator.errors import Ambiguous, NotFound, StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.reconcile.model.accounts import AccountKey
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ChangeOwner,
    CreateWorkspace,
    DeleteWorkspace,
    PauseMigration,
    RecordGeneration,
    RequestMigration,
    RetryMigration,
    UpdateSettings,
)
from workspace_operator.reconcile.model.observed import Candidate, ObservedState, WorkspaceQuery
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.migrations import actions
from workspace_operator.store.queries import sending_state
from workspace_operator.store.queries.accounts import places_of, raise_if_full
from workspace_operator.store.queries.display_names import name_holder, raise_if_name_taken
from workspace_operator.store.repositories.heartbeats import STORE_ID, namesakes_of, require_store_id
from workspace_operator.store.schema.cleanup_tables import cleanup
from workspace_operator.store.schema.import_tables import import_job
from workspace_operator.store.schema.mappers import (
    ACCOUNT_NAME,
    IS_NEWEST_MIGRATION,
    IS_OWNED_BY,
    MIGRATIONS_WITH_OWNER,
    WORKSPACE_JOIN_ACCOUNT,
    WORKSPACES_WITH_ACCOUNT,
    Row,
    knows_send_mode,
    migration_of,
    newest_migration,
    owner_of,
    owner_parameters,
    owner_values,
    settings_of,
    settings_values,
    workspace_of,
)
from workspace_operator.store.schema.sending_tables import mailroom, notice
from workspace_operator.store.schema.tables import (
    LOCK_SLOTS,
    WORKSPACE_TABLES,
    account,
    credential,
    migration,
    store_identity,
    workspace,
    workspace_lock,
)
from workspace_operator.store.sending.mailrooms import wake_waiting_room
from workspace_operator.store.unit_of_work.spec_generations import (
    NOT_HELD,
    generation_values,
    lower_generation_values,
    raise_if_stale,
)
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive
from workspace_operator.workspaces.model import Owner, Workspace
from workspace_operator.workspaces.spec_versions import SpecVersion, UnchangedWorkspace

_BY_ID = WORKSPACES_WITH_ACCOUNT.where(workspace.c.workspace_id == sa.bindparam("workspace_id"))

_STORE_AND_WORKSPACE = sa.select(store_identity.c.store_id, workspace, ACCOUNT_NAME).select_from(
    sa.outerjoin(store_identity, WORKSPACE_JOIN_ACCOUNT, IS_OWNED_BY)
)

_NUMBER_OF_OWNER = sa.select(workspace.c.workspace_id).where(IS_OWNED_BY)

_INSERT_WORKSPACE = sa.insert(workspace).returning(workspace.c.workspace_id)

_LIST_HINT: Final = "`workspacectl workspaces list` lists all workspaces"


@dataclass(frozen=True, slots=True)
class SQLWorkspaces:
    """Implements the port ``Workspaces``."""

    database: Database

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        """Observe one snapshot; candidates count as not released, and people are not counted."""
        with self.database.reading_one_snapshot() as connection:
            return _observe(connection, query)

    def apply(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        """Execute one action atomically. Raises NameTaken or StaleRevision (`ports.workspaces`)."""
        self.database.writing(_work_for(action, now, spec))

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[UnchangedWorkspace]:
        """List workspaces that are unchanged since the newest generation was recorded."""
        store_id = STORE_ID.scalar_subquery().label("store_id")
        newest = (_newest(credential.c.request, "rotation_request"), _newest(credential.c.created_at, "rotated_at"))
        query = sa.select(workspace, *newest, store_id).where(
            workspace.c.owner_cluster == cluster,
            workspace.c.owner_namespace.in_(namespaces),
            workspace.c.row_version == workspace.c.spec_row_version,
        )
        with self.database.reading() as connection:
            return [
                UnchangedWorkspace(
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

    def pending_status_updates(self) -> Sequence[tuple[Owner, Migration]]:
        """List newest migrations whose revision or progress is newer than the status."""
        query = MIGRATIONS_WITH_OWNER.where(
            sa.or_(
                migration.c.revision != migration.c.status_revision,
                migration.c.progress != migration.c.status_progress,
            ),
            IS_NEWEST_MIGRATION,
        )
        with self.database.reading() as connection:
            return [(owner_of(row), migration_of(row)) for row in connection.execute(query)]

    def mark_status_written(self, migration_: Migration) -> None:
        """Record that the resource's status has this revision and progress of the migration."""
        written = {"status_revision": migration_.revision, "status_progress": migration_.progress}
        pending = sa.and_(
            migration.c.workspace_id == migration_.workspace_id,
            migration.c.number == migration_.number,
            # Neither number ever decreases, so a higher value of one means that the other is not lower.
            sa.or_(*(migration.c[column] < number for column, number in written.items())),
        )
        with self.database.reading() as connection:  # usually nothing is pending, and no write is needed
            if connection.execute(sa.select(migration.c.number).where(pending)).first() is None:
                return
        statement = sa.update(migration).where(pending).values(written)
        self.database.writing(lambda connection: connection.execute(statement).rowcount)

    def count_waiting(self, workspace_id: int) -> int:
        """Count the messages that wait; an index scan."""
        with self.database.reading() as connection:
            return sending_state.count_waiting(connection, workspace_id)

    def find(self, namespace: str, name: str, *, cluster: str | None = None) -> Workspace:
        """Find a workspace by its owner's name. Raises NotFound or Ambiguous."""
        query = WORKSPACES_WITH_ACCOUNT.where(workspace.c.owner_namespace == namespace, workspace.c.owner_name == name)
        if cluster is not None:
            query = query.where(workspace.c.owner_cluster == cluster)
        with self.database.reading() as connection:
            found = [workspace_of(row) for row in connection.execute(query.order_by(workspace.c.workspace_id))]
        if not found:
            raise NotFound(f"there is no workspace {namespace}/{name} in {self.database.name}: {_LIST_HINT}")
        if len(found) > 1:
            clusters = ", ".join(candidate.owner.cluster for candidate in found)
            raise Ambiguous(f"{namespace}/{name} exists in several clusters; choose one with --cluster-id: {clusters}")
        return found[0]

    def get(self, workspace_id: int) -> Workspace:
        """Find a workspace by its number. Raises NotFound."""
        with self.database.reading() as connection:
            found = _by_id(connection, workspace_id)
        if found is None:
            raise NotFound(f"there is no workspace number {workspace_id} in {self.database.name}: {_LIST_HINT}")
        return found

    def list(self) -> Sequence[Workspace]:
        """All workspaces, by number."""
        with self.database.reading() as connection:
            rows = connection.execute(WORKSPACES_WITH_ACCOUNT.order_by(workspace.c.workspace_id))
            return [workspace_of(row) for row in rows]


def _newest(column: sa.Column[Any], name: str) -> sa.Label[Any]:
    """A column of the newest credentials of a workspace."""
    query = sa.select(column).where(credential.c.workspace_id == workspace.c.workspace_id)
    return query.order_by(credential.c.number.desc()).limit(1).scalar_subquery().label(name)


def _observe(connection: sa.Connection, query: WorkspaceQuery) -> ObservedState:
    store_id, own = _store_id_and_workspace(connection, query.owner)
    holder = name_holder(connection, query.display_name, own, owner=query.owner, account_name=query.account)
    newest = newest_migration(connection, own.workspace_id) if own else None
    return ObservedState(
        workspace=own,
        name_holder=_candidate(holder),
        from_annotation=_candidate(_by_id(connection, query.from_annotation)),
        from_status=_candidate(_from_status(connection, query, own)),
        migration=None if newest is None else migration_of(newest),
        people=None,
        sending=sending_state.sending_state(connection, own, query.now) if own else None,
        store_id=store_id,
        namesakes=() if own else namesakes_of(connection, query.owner),
        places=None if own else places_of(connection, AccountKey.of(query.owner, query.account)),
    )


def _store_id_and_workspace(connection: sa.Connection, owner: Owner) -> tuple[str, Workspace | None]:
    row = connection.execute(_STORE_AND_WORKSPACE, owner_parameters(owner)).one_or_none()
    if row is None:
        return require_store_id(None), None
    return require_store_id(row.store_id), None if row.workspace_id is None else workspace_of(row)


def _by_id(connection: sa.Connection, workspace_id: int | None) -> Workspace | None:
    if workspace_id is None:
        return None
    row = connection.execute(_BY_ID, {"workspace_id": workspace_id}).one_or_none()
    return None if row is None else workspace_of(row)


def _from_status(connection: sa.Connection, query: WorkspaceQuery, own: Workspace | None) -> Workspace | None:
    """The workspace that the status names; usually the own one, which needs no query."""
    return None if own and own.workspace_id == query.from_status else _by_id(connection, query.from_status)


def _candidate(found: Workspace | None) -> Candidate | None:
    return None if found is None else Candidate(workspace=found, owner_is_gone=False)


def _work_for(action: Action, now: datetime, spec: SpecVersion | None) -> Callable[[sa.Connection], None]:  # noqa: C901 - one line per kind of action
    match action:
        case CreateWorkspace():
            return lambda connection: _create(connection, action, spec)
        case ChangeOwner():
            return lambda connection: change_owner(connection, action, spec)
        case UpdateSettings():
            return lambda connection: _update_settings(connection, action, spec)
        case DeleteWorkspace():
            return lambda connection: _delete_drained(connection, action, now, spec)
        case RequestMigration():
            return lambda connection: actions.request(connection, action, now, spec)
        case CancelMigration():
            return lambda connection: actions.cancel(connection, action, now, spec)
        case PauseMigration():
            return lambda connection: actions.pause(connection, action, now, spec)
        case RetryMigration():
            return lambda connection: actions.retry(connection, action, now, spec)
        case RecordGeneration():
            return lambda connection: _record_spec(connection, action, spec)
        case AcceptLowerGeneration():
            return lambda connection: _accept_lower_generation(connection, action)
        case _ as never:
            assert_never(never)


def _create(connection: sa.Connection, action: CreateWorkspace, spec: SpecVersion | None) -> None:
    if connection.execute(_NUMBER_OF_OWNER, owner_parameters(action.owner)).first():
        raise StaleRevision(f"{action.owner.namespace}/{action.owner.name} already has a workspace")
    account_id = _account(connection, action.owner, action.account)
    raise_if_full(connection, account_id)
    raise_if_name_taken(connection, account_id, action.settings.display_name, own=None)
    values = settings_values(action.settings) | owner_values(action.owner)
    values |= {
        "account_id": account_id,
        "mode": action.mode,
        "row_version": 1,
        "spec_generation": spec.generation if spec else 0,
        "spec_row_version": 1,
        "change_log_enabled": False,
    }
    workspace_id = connection.execute(_INSERT_WORKSPACE, values).scalar_one()
    if workspace_id == action.replaces:  # a new database starts at 1: take the next number instead
        connection.execute(sa.delete(workspace).where(workspace.c.workspace_id == workspace_id))
        workspace_id = connection.execute(_INSERT_WORKSPACE, values).scalar_one()
    slots = [{"workspace_id": workspace_id, "slot": slot} for slot in range(LOCK_SLOTS)]
    connection.execute(sa.insert(workspace_lock), slots)


def _account(connection: sa.Connection, owner: Owner, name: str) -> int:
    """Get or create the account with a name in the owner's namespace."""
    values = {"cluster": owner.cluster, "namespace": owner.namespace, "name": name}
    found = connection.execute(sa.select(account.c.account_id).filter_by(**values)).scalar_one_or_none()
    if found is None:
        found = connection.execute(sa.insert(account).values(values).returning(account.c.account_id)).scalar_one()
    return int(found)


def _locked(connection: sa.Connection, workspace_id: int, row_version: int) -> Row:
    query = sa.select(workspace).where(workspace.c.workspace_id == workspace_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None or row.row_version != row_version:
        raise StaleRevision(f"workspace number {workspace_id} has changed since it was read")
    return row


def change_owner(connection: sa.Connection, action: ChangeOwner, spec: SpecVersion | None) -> None:
    """Change the owner. Raises StaleRevision or NameTaken.

    An account belongs to one namespace: in another namespace the workspace joins the account of the same name, and is
    offered other transports.
    """
    lock_exclusive(connection, action.workspace_id)  # no hand-over may begin by a transport of the old namespace
    row = _locked(connection, action.workspace_id, action.row_version)
    taken = connection.execute(_NUMBER_OF_OWNER, owner_parameters(action.owner)).scalar_one_or_none()
    if taken not in (None, action.workspace_id):
        raise StaleRevision(f"{action.owner.namespace}/{action.owner.name} already has workspace number {taken}")
    name = connection.execute(sa.select(account.c.name).where(account.c.account_id == row.account_id)).scalar_one()
    account_id = _account(connection, action.owner, name)
    raise_if_name_taken(connection, account_id, row.display_name, own=action.workspace_id)
    values = owner_values(action.owner) | {"account_id": account_id, "spec_generation": spec.generation if spec else 0}
    if row.owner_namespace != action.owner.namespace:
        values["send_version"] = workspace.c.send_version + 1
        wake_waiting_room(connection, action.workspace_id)
    _write_and_bump(connection, action.workspace_id, values | NOT_HELD)


def _update_settings(connection: sa.Connection, action: UpdateSettings, spec: SpecVersion | None) -> None:
    lock_exclusive(connection, action.workspace_id)  # no command may run partly under the old rules
    row = _locked(connection, action.workspace_id, action.row_version)
    raise_if_stale(row, spec)
    raise_if_name_taken(connection, row.account_id, action.settings.display_name, own=action.workspace_id)
    in_sync = {"spec_row_version": row.row_version + 1} if spec else {}
    values = settings_values(action.settings) | in_sync | generation_values(row, spec)
    if action.settings.changes_sending(settings_of(row)) or not knows_send_mode(row):
        values["send_version"] = workspace.c.send_version + 1
        wake_waiting_room(connection, action.workspace_id)
    _write_and_bump(connection, action.workspace_id, values)


def _record_spec(connection: sa.Connection, action: RecordGeneration, spec: SpecVersion | None) -> None:
    row = _locked(connection, action.workspace_id, action.row_version)
    raise_if_stale(row, spec)
    values = {"spec_generation": action.generation, "spec_row_version": row.row_version}
    _write(connection, action.workspace_id, values | generation_values(row, spec))


def _accept_lower_generation(connection: sa.Connection, action: AcceptLowerGeneration) -> None:
    row = _locked(connection, action.workspace_id, action.row_version)
    _write(connection, action.workspace_id, lower_generation_values(row, action))


def _write_and_bump(connection: sa.Connection, workspace_id: int, values: dict[str, object]) -> None:
    _write(connection, workspace_id, values | {"row_version": workspace.c.row_version + 1})


def _write(connection: sa.Connection, workspace_id: int, values: Mapping[str, object]) -> None:
    connection.execute(sa.update(workspace).where(workspace.c.workspace_id == workspace_id).values(values))


def _delete_drained(
    connection: sa.Connection, action: DeleteWorkspace, now: datetime, spec: SpecVersion | None
) -> None:
    lock_exclusive(connection, action.workspace_id)  # no hand-over may begin meanwhile
    if in_flight := sending_state.count_in_flight(connection, action.workspace_id, now):
        raise StaleRevision(f"workspace number {action.workspace_id} still hands over messages: {in_flight}")
    delete_workspace(connection, action, spec)


def delete_workspace(connection: sa.Connection, action: DeleteWorkspace, spec: SpecVersion | None) -> None:
    """Delete a workspace with all its data. Raises StaleRevision."""
    lock_exclusive(connection, action.workspace_id)
    # A request of a migration locks the workspace, its worker locks the migration. Lock the workspace and delete the
    # migrations first, which waits for both and blocks them, so that neither leaves rows behind.
    raise_if_stale(_locked(connection, action.workspace_id, action.row_version), spec)
    for table in (migration, cleanup, import_job, credential, mailroom, notice, *WORKSPACE_TABLES):
        connection.execute(sa.delete(table).where(table.c.workspace_id == action.workspace_id))
    connection.execute(sa.delete(workspace).where(workspace.c.workspace_id == action.workspace_id))
