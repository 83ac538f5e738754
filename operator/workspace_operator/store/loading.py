"""From rows to a population: what calls may touch is locked and read, in as few statements as possible.

The order is that of design §5: the fence, the identifiers in the order (kind, key), people by cio_id. Nobody must
make an identifier while a call rests on its absence, so an absent one is reserved: its row is inserted before the
others are locked, for the person whom the call would make, and taken away again if it made none.

That all happens at one moment is checked, not hoped for: PostgreSQL waits for locks in the middle of a statement, and
then sees rows of different ages. Whatever does not fit together means to start over (`StartOver`).
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from workspace_operator.errors import NotFound
from workspace_operator.identity.keys import Keys
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population, Suppression, claims_of
from workspace_operator.identity.references import IdentifierKey
from workspace_operator.identity.rules import EMAIL, ID, ID_ONLY, Kind, Mode
from workspace_operator.store.dialects import Prepared, among, delete_among, document, elements, insert_rows, one_of
from workspace_operator.store.engines import StartOver
from workspace_operator.store.fences import Standing, own_slot
from workspace_operator.store.rows import IS_UNFOLDED
from workspace_operator.store.tables import (
    KIND_ANONYMOUS,
    KIND_EMAIL,
    KIND_ID,
    fence,
    identifier,
    person,
    shared_email,
    suppression,
)

KIND_NUMBERS = {Kind.ID: KIND_ID, Kind.EMAIL: KIND_EMAIL}
KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}

_FENCE, _IDENTIFIER, _PERSON, _SUPPRESSION = range(4)

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_IDS, _EMAILS, _CIO_IDS = (sa.bindparam(name, type_=sa.Text) for name in ("ids", "emails", "cio_ids"))


class Unfolded(Exception):
    """Somebody who was named shares an address with others: they are one person, whose rows must be folded first."""

    def __init__(self, keys: Collection[str]) -> None:
        super().__init__("people who are one person by now are not folded yet")
        self.keys = keys


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A population, and the identifiers that nobody else can touch meanwhile.

    Attributes:
        found: identifiers that are somebody's, locked with their rows.
        reserved: identifiers that were nobody's, each with the cio_id that its row names for now.
    """

    population: Population
    found: frozenset[IdentifierKey]
    reserved: dict[IdentifierKey, str] = field(default_factory=dict)

    def covers(self, identifiers: Iterable[IdentifierKey]) -> bool:
        """Whether all of these are ours to change."""
        return all(each in self.found or each in self.reserved for each in identifiers)


@dataclass(slots=True, kw_only=True)
class _Rows:
    """The answer of the one statement, by what its rows are."""

    version: int | None = None
    owners: dict[IdentifierKey, str] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    blocked: list[Suppression] = field(default_factory=list)


def load(connection: sa.Connection, standing: Standing, keys: Keys) -> Loaded:
    """Pass the fence, lock and read everything that the keys name, and whom it belongs to.

    Raises:
        NotFound: there is no such workspace any more.
        StartOver: what holds in the workspace, or who has what, has moved.
        Unfolded: somebody of them is one with others since an identifier change.
    """
    rows = _locked(connection, standing, keys)
    refuse_unfolded(connection, standing, rows.people)
    return _loaded(standing.rules.mode, rows)


def refuse_unfolded(connection: sa.Connection, standing: Standing, people: Iterable[Person]) -> None:
    """Raise Unfolded if one of these is part of a group that counts as one person."""
    if standing.row.folds:
        keys = unfolded(connection, standing.row.workspace_id, people)
        if keys:
            raise Unfolded(keys)


def unfolded(connection: sa.Connection, workspace_id: int, people: Iterable[Person]) -> Sequence[str]:
    """The addresses of these that stand for groups of rows which are one person."""
    return unfolded_keys(connection, workspace_id, {each.email_key for each in people if each.email_key is not None})


def unfolded_keys(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> Sequence[str]:
    """Those of these addresses that do."""
    return [key for (key,) in _UNFOLDED.run(connection, {"workspace_id": workspace_id, "keys": json.dumps(list(keys))})]


def look(connection: sa.Connection, standing: Standing, keys: Keys) -> Population:
    """Read without a lock, from a snapshot. Raises Unfolded."""
    rows = _read(connection, standing, keys, _LOOKING)
    refuse_unfolded(connection, standing, rows.people)
    return _loaded(standing.rules.mode, rows).population


def load_whole(
    connection: sa.Connection, standing: Standing, keys: Keys, reserving: Mapping[IdentifierKey, str]
) -> Loaded:
    """Reserve first, then load; everything named is there then. Raises as `load`."""
    reserve(connection, standing.row.workspace_id, reserving)
    loaded = load(connection, standing, keys)
    loaded.reserved = {each: cio_id for each, cio_id in reserving.items() if each not in loaded.found}
    if not loaded.covers(keys.identifiers):
        raise StartOver
    return loaded


def reserve(connection: sa.Connection, workspace_id: int, reserving: Mapping[IdentifierKey, str]) -> None:
    """Insert rows of absent identifiers, in the order of the key; a unique violation if one is not absent."""
    rows = [(workspace_id, KIND_NUMBERS[kind], key, cio_id) for (kind, key), cio_id in reserving.items()]
    insert_rows(connection, identifier, sorted(rows))


@contextmanager
def holding_anonymous_ids(
    connection: sa.Connection, workspace_id: int, anonymous_ids: Collection[str]
) -> Iterator[None]:
    """Keep others from these ids until the transaction ends: who did what must be told after it was done, or before.

    They have no rows that could be locked. So each gets one, in the order of the key, that is gone before the commit.
    """
    rows = [(workspace_id, KIND_ANONYMOUS, each, "") for each in sorted(anonymous_ids)]
    insert_rows(connection, identifier, rows)
    yield
    if rows:
        delete_among(connection, workspace_id, identifier.c.value_key, anonymous_ids, kind=KIND_ANONYMOUS)


def surroundings(connection: sa.Connection, standing: Standing, keys: Keys) -> tuple[Keys, frozenset[IdentifierKey]]:
    """Look without a lock at what calls may touch besides what they name.

    Returns:
        The keys with everything that belongs to those they name, and which of the named identifiers are absent.
    """
    owners: set[IdentifierKey] = set()
    claimed: set[IdentifierKey] = set()
    for part, number, key, id_, email_key in _SURROUNDINGS.run(connection, _values(standing, keys)):
        if part == _IDENTIFIER:
            owners.add((KINDS[number], key))
        else:
            claimed.update(claims_of(standing.rules.mode, id_, email_key))
    named = frozenset(keys.identifiers)
    wider = Keys(
        identifiers=tuple(sorted(named | claimed)),
        cio_ids=keys.cio_ids,
        unsuppresses=keys.unsuppresses,
        adds_devices=keys.adds_devices,
    )
    return wider, named - owners - claimed


def _locked(connection: sa.Connection, standing: Standing, keys: Keys) -> _Rows:
    rows = _read(connection, standing, keys, _LOCKING)
    if rows.version is None:
        raise NotFound(f"there is no workspace number {standing.row.workspace_id} any more")
    if rows.version != standing.version:
        raise StartOver
    return rows


def _loaded(mode: Mode, rows: _Rows) -> Loaded:
    """A population of rows that fit together."""
    owners = {each.cio_id: each for each in rows.people}
    found: set[IdentifierKey] = set()
    for key, cio_id in rows.owners.items():
        owner = owners.get(cio_id)
        if owner is None:
            continue  # reserved, by us if this goes on
        if key not in claims_of(mode, owner.id, owner.email_key):
            raise StartOver
        found.add(key)
    population = Population(mode=mode, people=rows.people, suppressions=rows.blocked)
    return Loaded(population=population, found=frozenset(found))


def _read(connection: sa.Connection, standing: Standing, keys: Keys, statement: Prepared) -> _Rows:
    rows = _Rows()
    for row in statement.run(connection, _values(standing, keys)):
        part, number, key, cio_id = row[:4]
        if part == _PERSON:
            rows.people.append(person_of(row[3:]))
        elif part == _IDENTIFIER:
            rows.owners[KINDS[number], key] = cio_id
        elif part == _SUPPRESSION:
            rows.blocked.append(Suppression(kind=KINDS[number], key=key, suppression_id=cio_id))
        else:
            rows.version = number
    return rows


def _values(standing: Standing, keys: Keys) -> dict[str, Any]:
    without_emails = standing.rules.mode is ID_ONLY
    return {
        "workspace_id": standing.row.workspace_id,
        "slot": own_slot(),
        "ids": json.dumps([key for kind, key in keys.identifiers if kind is ID]),
        "emails": json.dumps([key for kind, key in keys.identifiers if kind is EMAIL and not without_emails]),
        "blockable": json.dumps([key for kind, key in keys.identifiers if kind is EMAIL]),
        "cio_ids": json.dumps(list(keys.cio_ids)),
    }


def person_of(row: Any) -> Person:
    """A person from a row in the order of `PERSON_COLUMNS`."""
    cio_id, id_, email, email_key, attributes, stored_at, created_at, times = row
    return Person(
        cio_id=cio_id,
        id=id_,
        email=email,
        email_key=email_key,
        attributes=document(attributes),
        stored_at=stored_at,
        created_at=created_at,
        attribute_times=document(times),
    )


PERSON_COLUMNS = (
    person.c.cio_id,
    person.c.id,
    person.c.email,
    person.c.email_key,
    person.c.attributes,
    person.c.stored_at,
    person.c.created_at,
    person.c.attribute_times,
)


def _owned(kind: Kind, *, locking: bool) -> sa.Select[Any]:
    query = sa.select(identifier.c.value_key, identifier.c.cio_id).where(
        identifier.c.workspace_id == _WORKSPACE,
        identifier.c.kind == sa.literal_column(str(KIND_NUMBERS[kind])),
        among(identifier.c.value_key, _IDS if kind is ID else _EMAILS),
    )
    return query.order_by(identifier.c.value_key).with_for_update() if locking else query


def _statement(dialect: sa.Dialect, *, locking: bool) -> sa.ClauseElement:
    """Fence, identifiers, people and what is blocked, in this order."""
    slot = sa.bindparam("slot", type_=sa.Integer)
    passing = sa.select(fence.c.version).where(fence.c.workspace_id == _WORKSPACE, fence.c.slot == slot)
    if locking:
        passing = passing.with_for_update(read=True, key_share=True)
    passed = passing.cte("passed")
    owned = {kind: _owned(kind, locking=locking).cte(f"owned_{kind}") for kind in (ID, EMAIL)}
    named = sa.union(*(sa.select(each.c.cio_id) for each in owned.values()), elements(_CIO_IDS, dialect))
    theirs = sa.select(*PERSON_COLUMNS).where(
        person.c.workspace_id == _WORKSPACE, one_of(person.c.cio_id, named, dialect)
    )
    if locking:
        theirs = theirs.order_by(person.c.cio_id).with_for_update()
    people = theirs.cte("people")
    return sa.union_all(
        _part(_FENCE, number=passed.c.version),
        *(
            _part(_IDENTIFIER, number=_constant(KIND_NUMBERS[kind]), key=each.c.value_key, cio_id=each.c.cio_id)
            for kind, each in owned.items()
        ),
        sa.select(_constant(_PERSON), _NO_NUMBER, _NO_TEXT, *people.c),
        *(_blocked(kind) for kind in (ID, EMAIL)),
    )


def _constant(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.BigInteger)


_NO_NUMBER: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.BigInteger)
_NO_TEXT: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text)


def _part(
    part: int,
    *,
    number: sa.ColumnElement[Any],
    key: sa.ColumnElement[Any] = _NO_TEXT,
    cio_id: sa.ColumnElement[Any] = _NO_TEXT,
) -> sa.Select[Any]:
    rest = [sa.cast(sa.null(), column.type) for column in PERSON_COLUMNS[1:]]
    return sa.select(_constant(part), number, key, cio_id, *rest)


def _blocked(kind: Kind) -> sa.Select[Any]:
    values = _IDS if kind is ID else sa.bindparam("blockable", type_=sa.Text)
    rows = _part(
        _SUPPRESSION,
        number=_constant(KIND_NUMBERS[kind]),
        key=suppression.c.value_key,
        cio_id=suppression.c.suppression_id,
    )
    return rows.where(
        suppression.c.workspace_id == _WORKSPACE,
        suppression.c.kind == sa.literal_column(str(KIND_NUMBERS[kind])),
        among(suppression.c.value_key, values),
    )


def _surroundings(dialect: sa.Dialect) -> sa.ClauseElement:
    """Which identifiers are there, and what belongs to their owners."""
    owned = {kind: _owned(kind, locking=False).cte(f"owned_{kind}") for kind in (ID, EMAIL)}
    named = sa.union(*(sa.select(each.c.cio_id) for each in owned.values()), elements(_CIO_IDS, dialect))
    return sa.union_all(
        *(
            sa.select(_constant(_IDENTIFIER), _constant(KIND_NUMBERS[kind]), each.c.value_key, _NO_TEXT, _NO_TEXT)
            for kind, each in owned.items()
        ),
        sa.select(_constant(_PERSON), _NO_NUMBER, _NO_TEXT, person.c.id, person.c.email_key).where(
            person.c.workspace_id == _WORKSPACE, one_of(person.c.cio_id, named, dialect)
        ),
    )


def _unfolded(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - both databases take it
    return sa.select(shared_email.c.email_key).where(
        shared_email.c.workspace_id == _WORKSPACE,
        IS_UNFOLDED,
        among(shared_email.c.email_key, sa.bindparam("keys", type_=sa.Text)),
    )


_UNFOLDED = Prepared(_unfolded)
_LOCKING = Prepared(lambda dialect: _statement(dialect, locking=True))
_LOOKING = Prepared(lambda dialect: _statement(dialect, locking=False))
_SURROUNDINGS = Prepared(_surroundings)
