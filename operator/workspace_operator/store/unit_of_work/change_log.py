"""What writers say of their changes while an identifier change is prepared: which addresses to look at again.

Each entry is a row of its own, in the writer's transaction. Entries that were one row a key would make writers wait for
each other, and "insert or ignore" would lose the update of whoever came while the entry was being taken away.
"""

from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import ChangeSet
from workspace_operator.identity.values.rules import EMAIL
from workspace_operator.store.engine.sql import insert_rows
from workspace_operator.store.schema.tables import migration_change_log

ChangeLogEntry = tuple[str | None, str | None]
"""An e-mail key and a cio_id; without a key somebody has no address, without a cio_id one was blocked or freed."""


def append_changes(
    connection: sa.Connection, workspace_id: int, changes: ChangeSet, *, new_id: Callable[[], str]
) -> None:
    """Say what has changed of whom, if it matters to who has which address."""
    insert_rows(connection, migration_change_log, [(workspace_id, new_id(), *entry) for entry in entries_for(changes)])


def entries_for(changes: ChangeSet) -> Sequence[ChangeLogEntry]:
    """What has to be looked at again after these changes, each once."""
    return list(dict.fromkeys(_entries(changes)))


def _entries(changes: ChangeSet) -> Iterator[ChangeLogEntry]:
    for each in (*changes.inserted, *changes.removed):
        yield (each.email_key, each.cio_id)
    for replaced in changes.replaced:
        if _relevant_values(replaced.before) != _relevant_values(replaced.after):
            yield (replaced.before.email_key, replaced.before.cio_id)
            yield (replaced.after.email_key, replaced.after.cio_id)
    for suppression in (*changes.suppressions_added, *changes.suppressions_removed):
        if suppression.kind is EMAIL:
            yield (suppression.key, None)


def _relevant_values(person: Person) -> tuple[object, ...]:
    """What of a person matters: identifiers, and the age, which says who survives."""
    return (person.id, person.email, person.email_key, person.age_key)
