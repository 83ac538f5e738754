"""People in the database: a batch of calls is loaded into a Population, resolved there, and written back.

The order is the design's (§5): the fence, the identifiers that the calls name, then the people they match, each in
the order of its key. Two calls that make the same identifier at once collide in its primary key; the later one
starts over and finds the person.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from workspace_operator.application.ports import Answer, ReferenceAsk
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.calls import Ask, Call
from workspace_operator.identity.keys import Keys, keys_of
from workspace_operator.identity.people import Person
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Changes, Ownership, Population, Suppression
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules, Kind, Mode
from workspace_operator.reconcile.observed import PeopleCounts
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.counting import count_people
from workspace_operator.store.dialects import among, insert_rows
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import pass_fence
from workspace_operator.store.rows import Row, rules_of
from workspace_operator.store.tables import (
    KIND_EMAIL,
    KIND_ID,
    identifier,
    person,
    suppression,
    workspace,
)
from workspace_operator.store.violating import note_mending, purge_violations

PEOPLE_AT_A_TIME = 2000

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # made once, not once a person

_KIND_NUMBERS = {Kind.ID: KIND_ID, Kind.EMAIL: KIND_EMAIL}
_KINDS = {number: kind for kind, number in _KIND_NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class SQLPeople:
    """Implements the port ``People``."""

    database: Database
    new_cio_id: Callable[[], str] = field(default_factory=CioIDs)

    def rules(self, workspace_id: int) -> IdentityRules:
        """Tell the identifier settings in force. Raises NotFound."""
        with self.database.reading() as connection:
            return rules_of(_workspace(connection, workspace_id))

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:
        """Carry calls out under the settings in force, an answer each. Raises NotFound or WritersHeld."""

        def work(connection: sa.Connection) -> list[Answer]:
            row = pass_fence(connection, workspace_id)
            rules = rules_of(row)
            calls = [_call(ask, rules.mode) for ask in asks]
            taken = [each for each in calls if not isinstance(each, InvalidInput)]
            people = _load(connection, row, keys_of(rules, taken))
            answers = [
                each
                if isinstance(each, InvalidInput)
                else perform(rules, people, each, now=now, new_cio_id=self.new_cio_id)
                for each in calls
            ]
            _write(connection, row, people.changes(), now)
            return answers

        return self.database.writing(work)

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person that the reference stands for under the rules in force."""
        with self.database.reading_one_snapshot() as connection:
            row = _workspace(connection, workspace_id)
            return _load(connection, row, _keys_of([reference]), locking=False).find(reference)

    def find_many(self, workspace_id: int, asks: Sequence[ReferenceAsk]) -> Sequence[Person]:
        """Find people of one moment, each once, unknown ones left out. Raises NotFound, and InvalidInput of an ask."""
        with self.database.reading_one_snapshot() as connection:
            row = _workspace(connection, workspace_id)
            references = [ask(Mode(row.mode)) if callable(ask) else ask for ask in asks]
            people = _load(connection, row, _keys_of(references), locking=False)
            found = [people.find(each) for each in references]
            return list({each.cio_id: each for each in found if each is not None}.values())

    def having_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        """Find who has an e-mail key, the oldest cio_id first; several only where email is no identifier."""
        query = sa.select(person).where(person.c.workspace_id == workspace_id, person.c.email_key == key)
        with self.database.reading() as connection:
            _workspace(connection, workspace_id)
            return [_person_of(row) for row in connection.execute(query.order_by(person.c.cio_id).limit(limit))]

    def all(self, workspace_id: int) -> Iterator[Person]:
        """Stream everybody of one moment, in order of creation."""
        query = sa.select(person).where(person.c.workspace_id == workspace_id).order_by(person.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            streaming = connection.execution_options(yield_per=PEOPLE_AT_A_TIME)
            yield from map(_person_of, streaming.execute(query))

    def count(self, workspace_id: int) -> PeopleCounts:
        """Count people, from the indexes."""
        with self.database.reading_one_snapshot() as connection:
            return count_people(connection, workspace_id)


def _call(ask: Ask, mode: Mode) -> Call | InvalidInput:
    if not callable(ask):
        return ask
    try:
        return ask(mode)
    except InvalidInput as error:
        return error


def _workspace(connection: sa.Connection, workspace_id: int) -> Row:
    row = connection.execute(sa.select(workspace).where(workspace.c.workspace_id == workspace_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no workspace number {workspace_id}")
    return row


def _keys_of(references: Sequence[Reference]) -> Keys:
    by_cio_id = [each.key for each in references if each.kind is Kind.CIO_ID]
    return Keys(
        identifiers=tuple(sorted({each.identifier for each in references if each.kind is not Kind.CIO_ID})),
        cio_ids=tuple(sorted(set(by_cio_id))),
    )


def _load(connection: sa.Connection, row: Row, keys: Keys, *, locking: bool = True) -> Population:
    """Load the people that own these identifiers, and what blocks them."""
    mode = Mode(row.mode)
    values = {kind: [key for each, key in keys.identifiers if each is kind] for kind in _KIND_NUMBERS}
    owners = list(keys.cio_ids)
    for kind in (Kind.ID,) if mode is Mode.ID_ONLY else _KIND_NUMBERS:
        if values[kind]:
            owners += _owners(connection, row.workspace_id, kind, values[kind], locking=locking)
    people = _people(connection, row.workspace_id, owners, locking=locking)
    blocked = _suppressions(connection, row.workspace_id, values)
    if keys.unsuppresses:
        blocked = _of_groups(connection, row.workspace_id, {each.suppression_id for each in blocked})
    return Population(mode=mode, people=people, suppressions=blocked)


def _owners(
    connection: sa.Connection, workspace_id: int, kind: Kind, values: Sequence[str], *, locking: bool
) -> list[str]:
    query = sa.select(identifier.c.cio_id).where(
        identifier.c.workspace_id == workspace_id,
        identifier.c.kind == _KIND_NUMBERS[kind],
        among(identifier.c.value_key, values),
    )
    if locking:
        query = query.order_by(identifier.c.value_key).with_for_update()
    return list(connection.execute(query).scalars())


def _people(connection: sa.Connection, workspace_id: int, cio_ids: Sequence[str], *, locking: bool) -> list[Person]:
    if not cio_ids:
        return []
    query = sa.select(person).where(person.c.workspace_id == workspace_id, among(person.c.cio_id, cio_ids))
    if locking:
        query = query.order_by(person.c.cio_id).with_for_update()
    return [_person_of(row) for row in connection.execute(query)]


def _suppressions(connection: sa.Connection, workspace_id: int, values: dict[Kind, list[str]]) -> list[Suppression]:
    ours = suppression.c.workspace_id == workspace_id
    if connection.execute(sa.select(suppression.c.kind).where(ours).limit(1)).first() is None:
        return []  # most workspaces block nobody
    found: list[Suppression] = []
    for kind, number in _KIND_NUMBERS.items():
        if values[kind]:
            named = among(suppression.c.value_key, values[kind])
            rows = connection.execute(sa.select(suppression).where(ours, suppression.c.kind == number, named))
            found += map(_suppression_of, rows)
    return found


def _of_groups(connection: sa.Connection, workspace_id: int, groups: set[str]) -> list[Suppression]:
    query = sa.select(suppression).where(
        suppression.c.workspace_id == workspace_id, among(suppression.c.suppression_id, groups)
    )
    return [_suppression_of(row) for row in connection.execute(query)]


def _write(connection: sa.Connection, row: Row, changes: Changes, now: int) -> None:
    """Write the net effect: what is freed first, since it may be taken by somebody else in the same batch."""
    number = row.workspace_id
    _delete_identifiers(connection, number, changes.identifiers_removed)
    gone = [each.cio_id for each in changes.removed]
    if gone:
        connection.execute(sa.delete(person).where(person.c.workspace_id == number, among(person.c.cio_id, gone)))
    insert_rows(connection, person, [_row_of(number, each) for each in changes.inserted])
    _update_people(connection, number, [each.after for each in changes.replaced])
    # In the order of the key: two batches that make the same identifiers wait for each other, but not crosswise.
    added = [(number, _KIND_NUMBERS[each.kind], each.key, each.cio_id) for each in changes.identifiers_added]
    insert_rows(connection, identifier, sorted(added))
    _write_suppressions(connection, number, changes)
    touched = [*gone, *(each.after.cio_id for each in changes.replaced)]
    if touched or changes.suppressions_removed:
        freed = bool(changes.suppressions_removed)
        note_mending(connection, row, touched, freed=freed, now=datetime.fromtimestamp(now, UTC))
    if gone:
        purge_violations(connection, number, gone)


def _delete_identifiers(connection: sa.Connection, workspace_id: int, removed: Sequence[Ownership]) -> None:
    for kind, kind_number in _KIND_NUMBERS.items():
        keys = [each.key for each in removed if each.kind is kind]
        if keys:
            connection.execute(
                sa.delete(identifier).where(
                    identifier.c.workspace_id == workspace_id,
                    identifier.c.kind == kind_number,
                    among(identifier.c.value_key, keys),
                )
            )


_UPDATE = (
    sa.update(person)
    .where(person.c.workspace_id == sa.bindparam("of_workspace"), person.c.cio_id == sa.bindparam("of_person"))
    .values({column.name: sa.bindparam(column.name) for column in person.columns if not column.primary_key})
)


def _update_people(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> None:
    if people:
        keys = [{"of_workspace": workspace_id, "of_person": each.cio_id} for each in people]
        connection.execute(_UPDATE, [{**key, **_values_of(each)} for key, each in zip(keys, people, strict=True)])


def _write_suppressions(connection: sa.Connection, workspace_id: int, changes: Changes) -> None:
    for each in changes.suppressions_removed:
        connection.execute(sa.delete(suppression).filter_by(workspace_id=workspace_id, **_suppression_values(each)))
    if changes.suppressions_added:
        rows = [{"workspace_id": workspace_id, **_suppression_values(each)} for each in changes.suppressions_added]
        connection.execute(sa.insert(suppression), rows)


def _person_of(row: Row) -> Person:
    return Person(
        cio_id=row.cio_id,
        id=row.id,
        email=row.email,
        email_key=row.email_key,
        attributes=row.attributes,
        stored_at=row.stored_at,
        created_at=row.created_at,
        attribute_times=row.attribute_times,
    )


def _row_of(workspace_id: int, each: Person) -> tuple[object, ...]:
    """A person in the order of the table's columns."""
    return (
        workspace_id,
        each.cio_id,
        each.id,
        each.email,
        each.email_key,
        each.email_is_invalid,
        each.id_is_another_email,
        _json(each.attributes),
        each.stored_at,
        each.created_at,
        None if each.attribute_times is None else _json(each.attribute_times),
    )


def _values_of(each: Person) -> dict[str, object]:
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


def _suppression_of(row: Row) -> Suppression:
    return Suppression(kind=_KINDS[row.kind], key=row.value_key, suppression_id=row.suppression_id)


def _suppression_values(each: Suppression) -> dict[str, object]:
    return {"kind": _KIND_NUMBERS[each.kind], "value_key": each.key, "suppression_id": each.suppression_id}
