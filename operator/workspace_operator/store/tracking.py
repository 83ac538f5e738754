"""What writers say of their changes while an identifier change is prepared: which addresses to look at again.

Each entry is a row of its own, in the writer's transaction. Entries that were one row a key would make writers wait for
each other, and "insert or ignore" would lose the update of whoever came while the entry was being taken away.
"""

from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Changes
from workspace_operator.identity.rules import EMAIL
from workspace_operator.store.dialects import insert_rows
from workspace_operator.store.tables import changed_key

Entry = tuple[str | None, str | None]
"""An e-mail key and a cio_id; without a key somebody has no address, without a cio_id one was blocked or freed."""


def track(connection: sa.Connection, workspace_id: int, changes: Changes, *, new_id: Callable[[], str]) -> None:
    """Say what has changed of whom, if it matters to who has which address."""
    insert_rows(connection, changed_key, [(workspace_id, new_id(), *entry) for entry in entries_of(changes)])


def entries_of(changes: Changes) -> Sequence[Entry]:
    """What has to be looked at again after these changes, each once."""
    return list(dict.fromkeys(_entries(changes)))


def _entries(changes: Changes) -> Iterator[Entry]:
    for each in (*changes.inserted, *changes.removed):
        yield (each.email_key, each.cio_id)
    for replaced in changes.replaced:
        if _concern(replaced.before) != _concern(replaced.after):
            yield (replaced.before.email_key, replaced.before.cio_id)
            yield (replaced.after.email_key, replaced.after.cio_id)
    for suppression in (*changes.suppressions_added, *changes.suppressions_removed):
        if suppression.kind is EMAIL:
            yield (suppression.key, None)


def _concern(person: Person) -> tuple[object, ...]:
    """What of a person matters: identifiers, and the age, which says who survives."""
    return (person.id, person.email, person.email_key, person.seniority)
