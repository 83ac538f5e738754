"""Reassignment of workspaces to other owners, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from workspace_operator.errors import Conflict
from workspace_operator.reconcile.model.actions import ChangeOwner, DeleteWorkspace
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.queries.sending_state import count_unended
from workspace_operator.store.repositories.workspaces import change_owner, delete_workspace
from workspace_operator.store.schema.mappers import IS_OWNED_BY, owner_parameters
from workspace_operator.store.schema.sending_tables import message_usage
from workspace_operator.store.schema.tables import WORKSPACE_TABLES, workspace, workspace_lock
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive
from workspace_operator.workspaces.model import Owner


@dataclass(frozen=True, slots=True)
class SQLOwnership:
    """Implements the port ``Ownership``."""

    database: Database

    def is_empty(self, workspace_id: int) -> bool:
        """Whether a workspace has no people, suppressions, activities, records or exports; counters do not count."""
        with self.database.reading() as connection:
            return _is_empty(connection, workspace_id)

    def reassign(self, changes: Sequence[ChangeOwner], *, replace_empty: bool) -> None:
        """Reassign all of the workspaces, or none. Raises Conflict, NameTaken or StaleRevision."""
        self.database.writing(lambda connection: _reassign(connection, changes, replace_empty=replace_empty))


def _reassign(connection: sa.Connection, changes: Sequence[ChangeOwner], *, replace_empty: bool) -> None:
    for change in changes:
        _remove_replaceable(connection, change.owner, unless=change.workspace_id, replace_empty=replace_empty)
    for change in changes:
        change_owner(connection, change, None)


def _remove_replaceable(connection: sa.Connection, owner: Owner, *, unless: int, replace_empty: bool) -> None:
    """Delete the workspace that an owner has, if it may be replaced."""
    row = connection.execute(sa.select(workspace).where(IS_OWNED_BY), owner_parameters(owner)).one_or_none()
    if row is None or row.workspace_id == unless:
        return
    number, title = row.workspace_id, f"{owner.namespace}/{owner.name} of cluster {owner.cluster}"
    if not replace_empty:
        raise Conflict(f"{title} already has workspace {number}; if it is empty, --replace-empty replaces it")
    lock_exclusive(connection, number)  # a running command may create a person
    if in_flight := count_unended(connection, number):
        messages = "1 message" if in_flight == 1 else f"{in_flight} messages"
        raise Conflict(
            f"{title} has workspace {number}, which still hands over {messages}; try again in 30 s, with a sender"
        )
    if not _is_empty(connection, number):
        raise Conflict(
            f"{title} already has workspace {number}, which is not empty: nothing was changed. If its people are not "
            f"needed, delete it first with `workspacectl workspaces delete {number}`"
        )
    delete_workspace(connection, DeleteWorkspace(workspace_id=number, row_version=row.row_version), None)


def _is_empty(connection: sa.Connection, workspace_id: int) -> bool:
    return not any(
        connection.execute(sa.select(sa.literal(1)).where(table.c.workspace_id == workspace_id).limit(1)).first()
        for table in WORKSPACE_TABLES
        if table not in (workspace_lock, message_usage)
    )
