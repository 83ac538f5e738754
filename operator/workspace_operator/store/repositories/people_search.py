"""Search for people by a prefix of an id or an address, with the indexes."""

from collections.abc import Sequence

import sqlalchemy as sa

from workspace_operator.application.ports import EmailPosition
from workspace_operator.identity.model.person import Person
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, workspace_any_of
from workspace_operator.store.pending_merges.view import raise_if_people_pending
from workspace_operator.store.schema.tables import KIND_ID, identifier, person
from workspace_operator.store.unit_of_work.loader import PERSON_COLUMNS, person_of
from workspace_operator.store.unit_of_work.workspace_lock import read_settings

_LAST_CHARACTER = "\U0010ffff"
"""A noncharacter: no stored text with a prefix sorts after the prefix and this character."""


def read_found(connection: sa.Connection, workspace_id: int, query: sa.Select[str]) -> list[Person]:
    """The people whose cio_ids a query finds, in its order.

    Raises NotFound, or PendingMerge if a match has a pending merge.
    """
    merges_pending = read_settings(connection, workspace_id).row.merges_pending
    cio_ids: Sequence[str] = connection.execute(query).scalars().all()
    if merges_pending:
        raise_if_people_pending(connection, workspace_id, cio_ids)
    values = {"of_workspace": workspace_id, "cio_ids": encode_json(list(cio_ids))}
    people = {found.cio_id: found for found in map(person_of, _PEOPLE.run(connection, values))}
    return [people[cio_id] for cio_id in cio_ids if cio_id in people]


def ids_with_prefix(workspace_id: int, prefix: str, *, after: str, limit: int) -> sa.Select[str]:
    """The cio_ids of people whose id has a prefix, in the order of the ids, after an id."""
    value = identifier.c.value_key
    query = sa.select(identifier.c.cio_id).where(
        identifier.c.workspace_id == workspace_id,
        identifier.c.kind == sa.literal_column(str(KIND_ID)),
        value > after if after >= prefix else value >= prefix,
        value < prefix + _LAST_CHARACTER,
    )
    return query.order_by(value).limit(limit)


def emails_with_prefix(workspace_id: int, prefix: str, *, after: EmailPosition, limit: int) -> sa.Select[str]:
    """The cio_ids of people whose e-mail key has a prefix, in the order of (key, cio_id), after a position."""
    key, cio_id = person.c.email_key, person.c.cio_id
    here = sa.tuple_(key, cio_id)
    query = sa.select(cio_id).where(
        person.c.workspace_id == workspace_id,
        here > sa.tuple_(sa.literal(after.email_key), sa.literal(after.cio_id))
        if after.email_key >= prefix
        # The condition on the key alone tells both planners which index has the order.
        else key >= prefix,
        key < prefix + _LAST_CHARACTER,
    )
    return query.order_by(key, cio_id).limit(limit)


_PEOPLE = CompiledStatement(lambda _: sa.select(*PERSON_COLUMNS).where(workspace_any_of(person.c.cio_id, "cio_ids")))
