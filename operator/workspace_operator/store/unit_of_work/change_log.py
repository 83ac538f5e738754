"""The change log of writers while a migration is prepared: the addresses to check again.

Each entry is a row of its own, in the writer's transaction. With one row per key, writers would wait for each other,
and "insert or ignore" would lose an update that arrives while the worker removes the entry.
"""

from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import ChangeSet
from workspace_operator.identity.values.rules import EMAIL
from workspace_operator.store.engine.sql import insert_rows
from workspace_operator.store.schema.tables import migration_change_log

ChangeLogEntry = tuple[str | None, str | None]
"""An e-mail key, None if the person has no address, and a cio_id, None if the address was (un)suppressed."""


def append_changes(
    connection: sa.Connection, workspace_id: int, changes: ChangeSet, *, new_id: Callable[[], str]
) -> None:
    """Log the people and addresses of the changes that matter to a migration."""
    insert_rows(connection, migration_change_log, [(workspace_id, new_id(), *entry) for entry in entries_for(changes)])


def entries_for(changes: ChangeSet) -> Sequence[ChangeLogEntry]:
    """The entries to check again after these changes, without duplicates."""
    return list(dict.fromkeys(_entries(changes)))


def _entries(changes: ChangeSet) -> Iterator[ChangeLogEntry]:
    for person in (*changes.inserted, *changes.removed):
        yield (person.email_key, person.cio_id)
    for replaced in changes.replaced:
        if _relevant_values(replaced.before) != _relevant_values(replaced.after):
            yield (replaced.before.email_key, replaced.before.cio_id)
            yield (replaced.after.email_key, replaced.after.cio_id)
    for suppression in (*changes.suppressions_added, *changes.suppressions_removed):
        if suppression.kind is EMAIL:
            yield (suppression.key, None)


def _relevant_values(person: Person) -> tuple[object, ...]:
    """The values that matter to a migration: identifiers, and the age for the survivor."""
    return (person.id, person.email, person.email_key, person.age_key)
