"""Search for people by the beginning of an id or an address, from the indexes."""

from collections.abc import Sequence

import sqlalchemy as sa

from workspace_operator.identity.people import Person
from workspace_operator.store.dialects import Prepared, json_text, ours_among
from workspace_operator.store.fences import standing_of
from workspace_operator.store.loading import PERSON_COLUMNS, person_of
from workspace_operator.store.tables import KIND_ID, identifier, person
from workspace_operator.store.unfolded import refuse_unfolded_people

_LAST_CHARACTER = "\U0010ffff"
"""Nothing is stored that sorts after a prefix and this noncharacter, but begins with the prefix."""


def people_beginning_with(
    connection: sa.Connection, workspace_id: int, text: str, key: str, *, limit: int
) -> Sequence[Person]:
    """Find people whose id begins with ``text`` or whose e-mail key begins with ``key``, in that order.

    Raises:
        NotFound: there is no such workspace.
        Unfolded: one of them is part of a group of rows that counts as one person.
    """
    folds = standing_of(connection, workspace_id).row.folds
    by_id = connection.execute(ids_beginning_with(workspace_id, text, limit=limit)).scalars().all()
    by_email = connection.execute(emails_beginning_with(workspace_id, key, limit=limit)).scalars().all()
    cio_ids = list(dict.fromkeys([*by_id, *by_email]))[:limit]
    if folds:
        refuse_unfolded_people(connection, workspace_id, cio_ids)
    values = {"of_workspace": workspace_id, "cio_ids": json_text(cio_ids)}
    people = {each.cio_id: each for each in map(person_of, _PEOPLE.run(connection, values))}
    return [people[cio_id] for cio_id in cio_ids if cio_id in people]


def ids_beginning_with(workspace_id: int, text: str, *, limit: int) -> sa.Select[str]:
    """The cio_ids of people by their ids, in the order of the ids."""
    query = sa.select(identifier.c.cio_id).where(
        identifier.c.workspace_id == workspace_id,
        identifier.c.kind == sa.literal_column(str(KIND_ID)),
        identifier.c.value_key >= text,
        identifier.c.value_key < text + _LAST_CHARACTER,
    )
    return query.order_by(identifier.c.value_key).limit(limit)


def emails_beginning_with(workspace_id: int, key: str, *, limit: int) -> sa.Select[str]:
    """The cio_ids of people by their addresses, in the order of the e-mail keys."""
    query = sa.select(person.c.cio_id).where(
        person.c.workspace_id == workspace_id,
        person.c.email_key >= key,
        person.c.email_key < key + _LAST_CHARACTER,
    )
    return query.order_by(person.c.email_key, person.c.cio_id).limit(limit)


_PEOPLE = Prepared(lambda _: sa.select(*PERSON_COLUMNS).where(ours_among(person.c.cio_id, "cio_ids")))
