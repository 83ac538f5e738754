"""Write the net changes of a working set, in as few statements as possible."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged
from workspace_operator.identity.model.working_set import ChangeSet, Suppression
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.store.engine.citus import is_citus
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    any_of,
    delete_any_of,
    encode_json,
    insert_rows,
    json_recordset,
)
from workspace_operator.store.schema.tables import activity, identifier, person, suppression
from workspace_operator.store.unit_of_work.loader import KIND_NUMBERS, insert_identifiers


def write_people(
    connection: sa.Connection, workspace_id: int, changes: ChangeSet, reserved: Mapping[IdentifierKey, str]
) -> None:
    """Write people, identifiers and suppressions, removals first to free identifiers.

    ``reserved`` has the identifiers with a reserved row, and its cio_id; unused reservations are deleted.
    """
    added = changes.identifiers_added
    unused = [key for key in reserved if key not in added]
    _delete_identifiers(connection, workspace_id, [*changes.identifiers_removed, *unused])
    removed = [person.cio_id for person in changes.removed]
    if removed:
        delete_any_of(connection, workspace_id, person.c.cio_id, removed)
    insert_rows(connection, person, [_row_of(workspace_id, inserted) for inserted in changes.inserted])
    _update_people(connection, workspace_id, [replaced.after for replaced in changes.replaced])
    _add_identifiers(connection, workspace_id, added, reserved)
    _write_suppressions(connection, workspace_id, changes)


def _delete_identifiers(connection: sa.Connection, workspace_id: int, removed: Sequence[IdentifierKey]) -> None:
    for kind, number in KIND_NUMBERS.items():
        keys = [key for key_kind, key in removed if key_kind is kind]
        if keys:
            delete_any_of(connection, workspace_id, identifier.c.value_key, keys, kind=number)


def _add_identifiers(
    connection: sa.Connection,
    workspace_id: int,
    added: Mapping[IdentifierKey, str],
    reserved: Mapping[IdentifierKey, str],
) -> None:
    """Insert identifiers without a reserved row; update reserved rows of another owner."""
    if not reserved:
        insert_identifiers(connection, workspace_id, added)
        return
    insert_identifiers(connection, workspace_id, {key: owner for key, owner in added.items() if key not in reserved})
    # Most identifiers belong to the person for whom they were reserved.
    for (kind, key), cio_id in added.items() - reserved.items():
        if (kind, key) in reserved:
            row_key = {"workspace_id": workspace_id, "kind": KIND_NUMBERS[kind], "value_key": key}
            connection.execute(sa.update(identifier).filter_by(**row_key).values(cio_id=cio_id))


def _update_one(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - both databases take it
    update = sa.update(person).values(PERSON_VALUE_PARAMETERS)
    return update.filter_by(workspace_id=sa.bindparam("of_workspace"), cio_id=sa.bindparam("of_person"))


def _update_many(dialect: sa.Dialect) -> sa.Update:  # noqa: ARG001 - only for PostgreSQL
    """Update people from a JSON array of rows, the fastest way without a temporary table."""
    value_columns = (sa.column(column.name, column.type) for column in PERSON_VALUE_COLUMNS)
    new = json_recordset("rows", [sa.column("of_person", sa.Text), *value_columns])
    return (
        sa.update(person)
        .where(
            person.c.workspace_id == sa.bindparam("of_workspace"),
            person.c.cio_id == new.c.of_person,
            # A redundant condition, so that each is looked up in the index: otherwise PostgreSQL reads the whole table.
            any_of(person.c.cio_id, sa.bindparam("people", type_=sa.Text)),
        )
        .values({column.name: new.c[column.name] for column in PERSON_VALUE_COLUMNS})
    )


def _update_and_log(dialect: sa.Dialect) -> sa.Update:
    """Update people like `_update_many`, and insert their activities."""
    rows = json_recordset("logged", [sa.column(column.name, column.type) for column in activity.columns])
    insert = sa.insert(activity).from_select(list(rows.c.keys()), sa.select(*rows.c)).returning(activity.c.activity_id)
    return _update_many(dialect).add_cte(insert.cte("inserted"))


PERSON_VALUE_COLUMNS = tuple(column for column in person.columns if not column.primary_key)
"""The columns of a person besides the primary key; they have the names of the fields."""
PERSON_VALUE_PARAMETERS = {column.name: sa.bindparam(column.name, type_=column.type) for column in PERSON_VALUE_COLUMNS}
_UPDATE_ONE = CompiledStatement(_update_one)
_UPDATE_MANY = CompiledStatement(_update_many)
_UPDATE_AND_LOG = CompiledStatement(_update_and_log)


def activities_only(changes: ChangeSet) -> Sequence[ActivityLogged] | None:
    """The activities, if the changes only update people and keep identifiers; else None."""
    others = (changes.inserted, changes.removed, changes.identifiers_added, changes.identifiers_removed)
    if not changes.replaced or any(others) or changes.suppressions_added or changes.suppressions_removed:
        return None
    activities = [event for event in changes.events if isinstance(event, ActivityLogged) and event.event_id is None]
    return activities if len(activities) == len(changes.events) else None


def write_updates(
    connection: sa.Connection, workspace_id: int, people: Sequence[Person], activities: Sequence[tuple[Any, ...]]
) -> None:
    """Write people who keep their identifiers, with activities, at once; not for SQLite."""
    if is_citus(connection):  # which would fetch the activities to the coordinator first
        _update_people(connection, workspace_id, people)
        insert_rows(connection, activity, [(*row, encode_json(data)) for *row, data in activities])
        return
    names = activity.columns.keys()
    values = _bulk_values(workspace_id, people)
    values["logged"] = encode_json([dict(zip(names, row, strict=True)) for row in activities])
    _UPDATE_AND_LOG.run(connection, values)


def _update_people(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> None:
    if len(people) > 1 and connection.dialect.name == "postgresql":
        _UPDATE_MANY.run(connection, _bulk_values(workspace_id, people))
        return
    rows = [{"of_workspace": workspace_id, "of_person": updated.cio_id, **person_values(updated)} for updated in people]
    if len(rows) == 1:
        _UPDATE_ONE.run(connection, rows[0])
    elif rows:
        _UPDATE_ONE.run_many(connection, rows)


def _bulk_values(workspace_id: int, people: Sequence[Person]) -> dict[str, Any]:
    rows = encode_json([{"of_person": person.cio_id, **_values_of(person)} for person in people])
    return {"of_workspace": workspace_id, "rows": rows, "people": encode_json([person.cio_id for person in people])}


def _write_suppressions(connection: sa.Connection, workspace_id: int, changes: ChangeSet) -> None:
    for removed in changes.suppressions_removed:
        connection.execute(sa.delete(suppression).filter_by(workspace_id=workspace_id, **_suppression_values(removed)))
    if changes.suppressions_added:
        rows = [{"workspace_id": workspace_id, **_suppression_values(added)} for added in changes.suppressions_added]
        connection.execute(sa.insert(suppression), rows)


def _suppression_values(value: Suppression) -> dict[str, object]:
    return {"kind": KIND_NUMBERS[value.kind], "value_key": value.key, "suppression_id": value.suppression_id}


def _row_of(workspace_id: int, value: Person) -> tuple[object, ...]:
    """A person in the order of the table's columns, JSON as text."""
    timestamps = value.attribute_timestamps
    return (
        workspace_id,
        value.cio_id,
        value.id,
        value.email,
        value.email_key,
        value.email_is_invalid,
        value.id_is_another_email,
        encode_json(value.attributes),
        value.inserted_at,
        value.created_at,
        None if timestamps is None else encode_json(timestamps),
    )


def _values_of(value: Person) -> dict[str, Any]:
    return {name: getattr(value, name) for name in PERSON_VALUE_PARAMETERS}


def person_values(value: Person) -> dict[str, Any]:
    """The values of a person by column, in the order and the driver's types: JSON as text."""
    timestamps = value.attribute_timestamps
    return _values_of(value) | {
        "attributes": encode_json(value.attributes),
        "attribute_timestamps": None if timestamps is None else encode_json(timestamps),
    }
