"""Search for people by a prefix of an id or an address, with the indexes."""

import sqlalchemy as sa

from workspace_operator.identity.model.person import Person
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, workspace_any_of
from workspace_operator.store.pending_merges.view import raise_if_people_pending
from workspace_operator.store.schema.tables import KIND_ID, identifier, person
from workspace_operator.store.unit_of_work.loader import PERSON_COLUMNS, person_of
from workspace_operator.store.unit_of_work.workspace_lock import read_settings

_LAST_CHARACTER = "\U0010ffff"
"""A noncharacter: no stored text with a prefix sorts after the prefix and this character."""


def find_by_prefix(connection: sa.Connection, workspace_id: int, text: str, key: str, *, limit: int) -> list[Person]:
    """Find people whose id begins with ``text``, then those whose e-mail key does with ``key``.

    Raises NotFound, or PendingMerge if a match has a pending merge.
    """
    merges_pending = read_settings(connection, workspace_id).row.merges_pending
    by_id = connection.execute(ids_with_prefix(workspace_id, text, limit=limit)).scalars().all()
    by_email = connection.execute(emails_with_prefix(workspace_id, key, limit=limit)).scalars().all()
    cio_ids = list(dict.fromkeys([*by_id, *by_email]))[:limit]
    if merges_pending:
        raise_if_people_pending(connection, workspace_id, cio_ids)
    values = {"of_workspace": workspace_id, "cio_ids": encode_json(cio_ids)}
    people = {found.cio_id: found for found in map(person_of, _PEOPLE.run(connection, values))}
    return [people[cio_id] for cio_id in cio_ids if cio_id in people]


def ids_with_prefix(workspace_id: int, text: str, *, limit: int) -> sa.Select[str]:
    """The cio_ids of people whose id has a prefix, in the order of the ids."""
    query = sa.select(identifier.c.cio_id).where(
        identifier.c.workspace_id == workspace_id,
        identifier.c.kind == sa.literal_column(str(KIND_ID)),
        identifier.c.value_key >= text,
        identifier.c.value_key < text + _LAST_CHARACTER,
    )
    return query.order_by(identifier.c.value_key).limit(limit)


def emails_with_prefix(workspace_id: int, key: str, *, limit: int) -> sa.Select[str]:
    """The cio_ids of people whose e-mail key has a prefix, in the order of the keys."""
    query = sa.select(person.c.cio_id).where(
        person.c.workspace_id == workspace_id,
        person.c.email_key >= key,
        person.c.email_key < key + _LAST_CHARACTER,
    )
    return query.order_by(person.c.email_key, person.c.cio_id).limit(limit)


_PEOPLE = CompiledStatement(lambda _: sa.select(*PERSON_COLUMNS).where(workspace_any_of(person.c.cio_id, "cio_ids")))
