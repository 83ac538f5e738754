"""What transactions about people and migrations do to cleanups and imports."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.cleanups.model import DRAFTS
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.cleanup_tables import cleanup, cleanup_decision, cleanup_record, listed_call
from workspace_operator.store.schema.import_tables import import_record


def wake_draft(connection: sa.Connection, workspace_id: int, now: datetime) -> None:
    """Have the worker look at the draft of a workspace, since its migration has a new export or another stage."""
    is_draft = cleanup.c.state.in_(sorted(state.value for state in DRAFTS))
    of_workspace = sa.update(cleanup).where(cleanup.c.workspace_id == workspace_id, is_draft)
    connection.execute(of_workspace.values(due_at=now))


def delete_listed_calls(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Delete when calls last named people who do not exist any more."""
    of_people = sa.and_(listed_call.c.workspace_id == workspace_id, any_of(listed_call.c.cio_id, cio_ids))
    connection.execute(sa.delete(listed_call).where(of_people))


def erase_people(
    connection: sa.Connection, workspace_id: int, cio_ids: Collection[str], identifiers: Collection[IdentifierKey]
) -> None:
    """Delete what cleanups and imports keep of people who are erased, and of earlier ones with their identifiers."""
    ids = [key for kind, key in identifiers if kind is IdentifierKind.ID]
    keys = [key for kind, key in identifiers if kind is IdentifierKind.EMAIL]
    for table in (cleanup_record, import_record):
        for column, values in ((table.c.cio_id, cio_ids), (table.c.id, ids), (table.c.email_key, keys)):
            if values:
                of_people = sa.and_(table.c.workspace_id == workspace_id, any_of(column, values))
                connection.execute(sa.delete(table).where(of_people))
    if cio_ids:
        about = sa.and_(cleanup_decision.c.workspace_id == workspace_id, any_of(cleanup_decision.c.cio_id, cio_ids))
        erased = {"email": None, "email_key": None, "seen_email_key": None}
        connection.execute(sa.update(cleanup_decision).where(about).values(erased))
