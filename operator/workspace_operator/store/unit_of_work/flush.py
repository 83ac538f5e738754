"""From a population's changes to rows: the net effect of a batch of calls, in as few statements as possible."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged
from workspace_operator.identity.model.working_set import ChangeSet, OwnedIdentifier, Suppression
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    any_of,
    delete_any_of,
    encode_json,
    insert_rows,
    json_recordset,
)
from workspace_operator.store.schema.tables import activity, identifier, person, suppression
from workspace_operator.store.unit_of_work.loader import KIND_NUMBERS


def write_people(
    connection: sa.Connection, workspace_id: int, changes: ChangeSet, reserved: Mapping[IdentifierKey, str]
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
    _delete_identifiers(connection, workspace_id, [*_identifier_keys(changes.identifiers_removed), *unused])
    gone = [each.cio_id for each in changes.removed]
    if gone:
        delete_any_of(connection, workspace_id, person.c.cio_id, gone)
    insert_rows(connection, person, [_row_of(workspace_id, each) for each in changes.inserted])
    _update_people(connection, workspace_id, [each.after for each in changes.replaced])
    _add_identifiers(connection, workspace_id, added, reserved)
    _write_suppressions(connection, workspace_id, changes)


def _identifier_keys(owned: Collection[OwnedIdentifier]) -> list[IdentifierKey]:
    return [(each.kind, each.key) for each in owned]


def _delete_identifiers(connection: sa.Connection, workspace_id: int, removed: Sequence[IdentifierKey]) -> None:
    for kind, number in KIND_NUMBERS.items():
        keys = [key for each, key in removed if each is kind]
        if keys:
            delete_any_of(connection, workspace_id, identifier.c.value_key, keys, kind=number)


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
        .values({column.name: sa.bindparam(column.name, type_=column.type) for column in PERSON_VALUE_COLUMNS})
    )


def _update_many(dialect: sa.Dialect) -> sa.Update:  # noqa: ARG001 - only PostgreSQL is asked
    """All in one statement, from a JSON array of their rows; as fast as it gets without a temporary table."""
    new = json_recordset(
        "rows", [sa.column("of_person", sa.Text), *(sa.column(each.name, each.type) for each in PERSON_VALUE_COLUMNS)]
    )
    return (
        sa.update(person)
        .where(
            person.c.workspace_id == sa.bindparam("of_workspace"),
            person.c.cio_id == new.c.of_person,
            # Said twice, so that each is looked up in the index: left to itself, PostgreSQL reads the whole table.
            any_of(person.c.cio_id, sa.bindparam("people", type_=sa.Text)),
        )
        .values({column.name: new.c[column.name] for column in PERSON_VALUE_COLUMNS})
    )


def _update_and_log(dialect: sa.Dialect) -> sa.Update:
    """The same, and their activities."""
    rows = json_recordset("noted", [sa.column(each.name, each.type) for each in activity.columns])
    noting = sa.insert(activity).from_select(list(rows.c.keys()), sa.select(*rows.c)).returning(activity.c.activity_id)
    return _update_many(dialect).add_cte(noting.cte("noting"))


PERSON_VALUE_COLUMNS = tuple(column for column in person.columns if not column.primary_key)
"""What is said of a person: everything but who it is."""
_UPDATE_ONE = CompiledStatement(_update_one)
_UPDATE_MANY = CompiledStatement(_update_many)
_UPDATE_AND_LOG = CompiledStatement(_update_and_log)


def activities_only(changes: ChangeSet) -> Sequence[ActivityLogged] | None:
    """The activities, if all that happened is that people were changed who were there, but not their identifiers."""
    others = (changes.inserted, changes.removed, changes.identifiers_added, changes.identifiers_removed)
    if not changes.replaced or any(others) or changes.suppressions_added or changes.suppressions_removed:
        return None
    activities = [each for each in changes.events if isinstance(each, ActivityLogged) and each.event_id is None]
    return activities if len(activities) == len(changes.events) else None


def write_updates(
    connection: sa.Connection, workspace_id: int, people: Sequence[Person], activities: Sequence[tuple[Any, ...]]
) -> None:
    """Write people whose identifiers stay, with the rows of their activities, in one statement; not on SQLite."""
    names = activity.columns.keys()
    values = _bulk_values(workspace_id, people)
    values["noted"] = encode_json([dict(zip(names, row, strict=True)) for row in activities])
    _UPDATE_AND_LOG.run(connection, values)


def _update_people(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> None:
    if len(people) > 1 and connection.dialect.name == "postgresql":
        _UPDATE_MANY.run(connection, _bulk_values(workspace_id, people))
        return
    for each in people:
        values = {"of_workspace": workspace_id, "of_person": each.cio_id, **person_values(each)}
        _UPDATE_ONE.run(connection, values)


def _bulk_values(workspace_id: int, people: Sequence[Person]) -> dict[str, Any]:
    rows = encode_json([{"of_person": each.cio_id, **_values_of(each)} for each in people])
    return {"of_workspace": workspace_id, "rows": rows, "people": encode_json([each.cio_id for each in people])}


def _write_suppressions(connection: sa.Connection, workspace_id: int, changes: ChangeSet) -> None:
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
        encode_json(each.attributes),
        each.inserted_at,
        each.created_at,
        None if each.attribute_timestamps is None else encode_json(each.attribute_timestamps),
    )


def _values_of(each: Person) -> dict[str, Any]:
    return {
        "id": each.id,
        "email": each.email,
        "email_key": each.email_key,
        "email_is_invalid": each.email_is_invalid,
        "id_is_another_email": each.id_is_another_email,
        "attributes": each.attributes,
        "inserted_at": each.inserted_at,
        "created_at": each.created_at,
        "attribute_timestamps": each.attribute_timestamps,
    }


def person_values(each: Person) -> dict[str, Any]:
    """What there is to say of a person, by column, for the driver: JSON as text."""
    times = each.attribute_timestamps
    return _values_of(each) | {
        "attributes": encode_json(each.attributes),
        "attribute_timestamps": None if times is None else encode_json(times),
    }
