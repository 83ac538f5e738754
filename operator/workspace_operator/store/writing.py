"""From a population's changes to rows: the net effect of a batch of calls, in as few statements as possible."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Changes, Ownership, Suppression
from workspace_operator.identity.references import IdentifierKey
from workspace_operator.identity.trail import Noted
from workspace_operator.store.dialects import Prepared, among, delete_among, insert_rows, json_text, records
from workspace_operator.store.loading import KIND_NUMBERS
from workspace_operator.store.tables import activity, identifier, person, suppression


def write_people(
    connection: sa.Connection, workspace_id: int, changes: Changes, reserved: Mapping[IdentifierKey, str]
) -> None:
    """Write people, identifiers and suppressions: what is freed first, since somebody else may take it.

    Args:
        connection: in the transaction that loaded what was changed.
        workspace_id: whose people.
        changes: the net effect; the trail is written elsewhere.
        reserved: identifiers whose rows are there, and for whom; those that nobody took go again.
    """
    added = {(each.kind, each.key): each.cio_id for each in changes.identifiers_added}
    unused = [key for key in reserved if key not in added]
    _delete_identifiers(connection, workspace_id, [*_keys(changes.identifiers_removed), *unused])
    gone = [each.cio_id for each in changes.removed]
    if gone:
        delete_among(connection, workspace_id, person.c.cio_id, gone)
    insert_rows(connection, person, [_row_of(workspace_id, each) for each in changes.inserted])
    _update_people(connection, workspace_id, [each.after for each in changes.replaced])
    _add_identifiers(connection, workspace_id, added, reserved)
    _write_suppressions(connection, workspace_id, changes)


def _keys(owned: Collection[Ownership]) -> list[IdentifierKey]:
    return [(each.kind, each.key) for each in owned]


def _delete_identifiers(connection: sa.Connection, workspace_id: int, removed: Sequence[IdentifierKey]) -> None:
    for kind, number in KIND_NUMBERS.items():
        keys = [key for each, key in removed if each is kind]
        if keys:
            delete_among(connection, workspace_id, identifier.c.value_key, keys, kind=number)


def _add_identifiers(
    connection: sa.Connection,
    workspace_id: int,
    added: Mapping[IdentifierKey, str],
    reserved: Mapping[IdentifierKey, str],
) -> None:
    """Insert what has no row yet; a reserved one is changed only if somebody else than expected took it."""
    fresh = [
        (workspace_id, KIND_NUMBERS[kind], key, cio_id)
        for (kind, key), cio_id in added.items()
        if (kind, key) not in reserved
    ]
    insert_rows(connection, identifier, sorted(fresh))
    for (kind, key), cio_id in added.items():
        if reserved.get((kind, key), cio_id) != cio_id:
            ours = {"workspace_id": workspace_id, "kind": KIND_NUMBERS[kind], "value_key": key}
            connection.execute(sa.update(identifier).filter_by(**ours).values(cio_id=cio_id))


def _update_one(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - both databases take it
    return (
        sa.update(person)
        .where(person.c.workspace_id == sa.bindparam("of_workspace"), person.c.cio_id == sa.bindparam("of_person"))
        .values({column.name: sa.bindparam(column.name, type_=column.type) for column in SAID})
    )


def _update_many(dialect: sa.Dialect) -> sa.Update:  # noqa: ARG001 - only PostgreSQL is asked
    """All in one statement, from a JSON array of their rows; as fast as it gets without a temporary table."""
    new = records("rows", [sa.column("of_person", sa.Text), *(sa.column(each.name, each.type) for each in SAID)])
    return (
        sa.update(person)
        .where(
            person.c.workspace_id == sa.bindparam("of_workspace"),
            person.c.cio_id == new.c.of_person,
            # Said twice, so that each is looked up in the index: left to itself, PostgreSQL reads the whole table.
            among(person.c.cio_id, sa.bindparam("people", type_=sa.Text)),
        )
        .values({column.name: new.c[column.name] for column in SAID})
    )


def _update_and_note(dialect: sa.Dialect) -> sa.Update:
    """The same, and their activities."""
    rows = records("noted", [sa.column(each.name, each.type) for each in activity.columns])
    noting = sa.insert(activity).from_select(list(rows.c.keys()), sa.select(*rows.c)).returning(activity.c.activity_id)
    return _update_many(dialect).add_cte(noting.cte("noting"))


SAID = tuple(column for column in person.columns if not column.primary_key)
"""What is said of a person: everything but who it is."""
_UPDATE_ONE = Prepared(_update_one)
_UPDATE_MANY = Prepared(_update_many)
_UPDATE_AND_NOTE = Prepared(_update_and_note)


def only_notes(changes: Changes) -> Sequence[Noted] | None:
    """The activities, if all that happened is that people were changed who were there, but not their identifiers."""
    others = (changes.inserted, changes.removed, changes.identifiers_added, changes.identifiers_removed)
    if not changes.replaced or any(others) or changes.suppressions_added or changes.suppressions_removed:
        return None
    noted = [each for each in changes.trail if isinstance(each, Noted) and each.event_id is None]
    return noted if len(noted) == len(changes.trail) else None


def write_updates(
    connection: sa.Connection, workspace_id: int, people: Sequence[Person], noted: Sequence[tuple[Any, ...]]
) -> None:
    """Write people whose identifiers stay, with the rows of their activities, in one statement; not on SQLite."""
    names = activity.columns.keys()
    values = _many(workspace_id, people)
    values["noted"] = json_text([dict(zip(names, row, strict=True)) for row in noted])
    _UPDATE_AND_NOTE.run(connection, values)


def _update_people(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> None:
    if len(people) > 1 and connection.dialect.name == "postgresql":
        _UPDATE_MANY.run(connection, _many(workspace_id, people))
        return
    for each in people:
        values = {"of_workspace": workspace_id, "of_person": each.cio_id, **said_of(each)}
        _UPDATE_ONE.run(connection, values)


def _many(workspace_id: int, people: Sequence[Person]) -> dict[str, Any]:
    rows = json_text([{"of_person": each.cio_id, **_values_of(each)} for each in people])
    return {"of_workspace": workspace_id, "rows": rows, "people": json_text([each.cio_id for each in people])}


def _write_suppressions(connection: sa.Connection, workspace_id: int, changes: Changes) -> None:
    for each in changes.suppressions_removed:
        connection.execute(sa.delete(suppression).filter_by(workspace_id=workspace_id, **_suppression_values(each)))
    if changes.suppressions_added:
        rows = [{"workspace_id": workspace_id, **_suppression_values(each)} for each in changes.suppressions_added]
        connection.execute(sa.insert(suppression), rows)


def _suppression_values(each: Suppression) -> dict[str, object]:
    return {"kind": KIND_NUMBERS[each.kind], "value_key": each.key, "suppression_id": each.suppression_id}


def _row_of(workspace_id: int, each: Person) -> tuple[object, ...]:
    """A person in the order of the table's columns, JSON as text."""
    return (
        workspace_id,
        each.cio_id,
        each.id,
        each.email,
        each.email_key,
        each.email_is_invalid,
        each.id_is_another_email,
        json_text(each.attributes),
        each.stored_at,
        each.created_at,
        None if each.attribute_times is None else json_text(each.attribute_times),
    )


def _values_of(each: Person) -> dict[str, Any]:
    return {
        "id": each.id,
        "email": each.email,
        "email_key": each.email_key,
        "email_is_invalid": each.email_is_invalid,
        "id_is_another_email": each.id_is_another_email,
        "attributes": each.attributes,
        "stored_at": each.stored_at,
        "created_at": each.created_at,
        "attribute_times": each.attribute_times,
    }


def said_of(each: Person) -> dict[str, Any]:
    """What there is to say of a person, by column, for the driver: JSON as text."""
    times = each.attribute_times
    return _values_of(each) | {
        "attributes": json_text(each.attributes),
        "attribute_times": None if times is None else json_text(times),
    }
