"""People of an export, as it lists them, and people to merge into, as they are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.model.person import Person
from workspace_operator.migrations.model import Violation
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, json_array_rows, workspace_any_of
from workspace_operator.store.schema.tables import export_person, person, violation
from workspace_operator.store.unit_of_work.loader import PERSON_COLUMNS, person_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """A person that blocks the migration.

    Attributes:
        person: without attributes, which an export does not have.
        sharing: number of people with the address, including this one.
    """

    person: Person
    violations: frozenset[Violation]
    sharing: int


def listed_people(
    connection: sa.Connection, workspace_id: int, export_number: int, cio_ids: Collection[str]
) -> Mapping[str, ListedPerson]:
    """Read people of an export by cio_id; those that it does not list are left out."""
    values = {"of_workspace": workspace_id, "export_number": export_number, "cio_ids": encode_json(list(cio_ids))}
    return {listed.person.cio_id: listed for listed in map(listed_person_of, LISTED_PEOPLE.run(connection, values))}


def first_members(
    connection: sa.Connection, workspace_id: int, export_number: int, keys: Sequence[str], *, limit: int
) -> Mapping[str, Sequence[ListedPerson]]:
    """The oldest people of each of several addresses, by e-mail key, up to ``limit`` of each."""
    values = {"of_workspace": workspace_id, "export_number": export_number, "members": limit}
    if connection.dialect.name == "sqlite":  # which has no lateral joins, but no way to a server either
        rows = [row for key in keys for row in _MEMBERS_OF_KEY.run(connection, {**values, "key": key})]
    else:
        rows = list(_MEMBERS_OF_KEYS.run(connection, {**values, "keys": encode_json(keys)}))
    members: dict[str, list[ListedPerson]] = {key: [] for key in keys}
    for listed in map(listed_person_of, rows):
        members[listed.person.email_key or ""].append(listed)
    return members


def listed_person_of(row: tuple[Any, ...]) -> ListedPerson:
    """A person from a row in the order of `VIOLATION_COLUMNS`."""
    cio_id, id_, email, key, created_at, sharing, *flags = row
    shares, invalid, suppressed, another = (sharing > 1, *flags)
    held = zip(Violation, (shares, invalid, suppressed, another), strict=True)
    return ListedPerson(
        person=Person(
            cio_id=cio_id,
            id=id_,
            email=email,
            email_key=key or None,
            attributes={},
            inserted_at=created_at,
            created_at=created_at,
        ),
        violations=frozenset(each for each, holds in held if holds),
        sharing=sharing,
    )


def stored_people(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Person]:
    """Read people by cio_id, as they are; unknown ones are left out."""
    if not cio_ids:
        return {}
    rows = STORED_PEOPLE.run(connection, {"of_workspace": workspace_id, "cio_ids": encode_json(list(cio_ids))})
    return {found.cio_id: found for found in map(person_of, rows)}


VIOLATION_COLUMNS = (
    violation.c.cio_id,
    violation.c.id,
    violation.c.email,
    violation.c.email_key,
    violation.c.created_at,
    violation.c.sharing,
    violation.c.invalid_email,
    violation.c.suppressed_email,
    violation.c.id_is_another_email,
)

_WORKSPACE = sa.bindparam("of_workspace", type_=sa.BigInteger)
_EXPORT = sa.bindparam("export_number", type_=sa.BigInteger)
_IS_LISTED_AS = sa.and_(
    violation.c.workspace_id == _WORKSPACE,
    violation.c.export_number == _EXPORT,
    *(violation.c[name] == export_person.c[name] for name in ("email_key", "created_at", "cio_id")),
)


def _listed_people(dialect: sa.Dialect) -> sa.ClauseElement:
    is_wanted = sa.and_(
        workspace_any_of(export_person.c.cio_id, "cio_ids"),
        export_person.c.export_number == _EXPORT,
    )
    if dialect.name == "sqlite":
        return sa.select(*VIOLATION_COLUMNS).select_from(export_person.join(violation, _IS_LISTED_AS)).where(is_wanted)
    # One look-up for each person: for a plain join, PostgreSQL may read the whole export.
    listed = sa.select(*VIOLATION_COLUMNS).where(_IS_LISTED_AS).limit(1).lateral()
    return sa.select(*listed.c).select_from(export_person.join(listed, sa.true())).where(is_wanted)


LISTED_PEOPLE = CompiledStatement(_listed_people)


def _first_of(key: sa.ColumnElement[str]) -> sa.Select[Any]:
    of_export = sa.and_(violation.c.workspace_id == _WORKSPACE, violation.c.export_number == _EXPORT)
    ordered = sa.select(*VIOLATION_COLUMNS).where(of_export, violation.c.email_key == key)
    return ordered.order_by(violation.c.created_at, violation.c.cio_id).limit(sa.bindparam("members", type_=sa.Integer))


def _members_of_keys(dialect: sa.Dialect) -> sa.ClauseElement:
    keys = json_array_rows(sa.bindparam("keys", type_=sa.Text), dialect).subquery("keys")
    [key] = keys.c
    members = _first_of(sa.cast(key, violation.c.email_key.type)).lateral("members")
    return (
        sa.select(*members.c)
        .select_from(keys.join(members, sa.true()))
        .order_by(members.c.email_key, members.c.created_at, members.c.cio_id)
    )


_MEMBERS_OF_KEY = CompiledStatement(lambda _: _first_of(sa.bindparam("key", type_=sa.Text)))
_MEMBERS_OF_KEYS = CompiledStatement(_members_of_keys)

STORED_PEOPLE = CompiledStatement(
    lambda _: sa.select(*PERSON_COLUMNS).where(workspace_any_of(person.c.cio_id, "cio_ids"))
)
