"""From rows to a population: what calls may touch is locked and read, in as few statements as possible.

The order is that of design §5: the fence, the identifiers in the order (kind, key), people by cio_id. Nobody must
make an identifier while a call rests on its absence, so an absent one is reserved: its row is inserted before the
others are locked, for the person whom the call would make, and taken away again if it made none.

That all happens at one moment is checked, not hoped for: PostgreSQL waits for locks in the middle of a statement, and
then sees rows of different ages. Whatever does not fit together means to start over (`RetryTransaction`).
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from workspace_operator.errors import NotFound
from workspace_operator.identity.model.lock_set import LockSet
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import Suppression, WorkingSet, identifiers_of
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.identity.values.rules import EMAIL, ID, ID_ONLY, IdentifierKind, Mode
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    any_of,
    decode_json,
    delete_any_of,
    in_subquery,
    insert_rows,
    json_array_rows,
)
from workspace_operator.store.schema.mappers import IS_PENDING_MERGE
from workspace_operator.store.schema.tables import (
    KIND_ANONYMOUS,
    KIND_EMAIL,
    KIND_ID,
    identifier,
    person,
    shared_email,
    suppression,
    workspace_lock,
)
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot, lock_slot

KIND_NUMBERS = {IdentifierKind.ID: KIND_ID, IdentifierKind.EMAIL: KIND_EMAIL}
KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}

_LOCK, _IDENTIFIER, _PERSON, _SUPPRESSION = range(4)

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_IDS, _EMAILS, _CIO_IDS = (sa.bindparam(name, type_=sa.Text) for name in ("ids", "emails", "cio_ids"))


class PendingMerge(Exception):
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

    working_set: WorkingSet
    found: frozenset[IdentifierKey]
    reserved: dict[IdentifierKey, str] = field(default_factory=dict)

    def locks(self, identifiers: Iterable[IdentifierKey]) -> bool:
        """Whether all of these are ours to change."""
        return all(each in self.found or each in self.reserved for each in identifiers)


@dataclass(slots=True, kw_only=True)
class _Rows:
    """The answer of the one statement, by what its rows are."""

    version: int | None = None
    owners: dict[IdentifierKey, str] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)


def load(connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet) -> Loaded:
    """Pass the fence, lock and read everything that the keys name, and whom it belongs to.

    Raises:
        NotFound: there is no such workspace any more.
        RetryTransaction: what holds in the workspace, or who has what, has moved.
        Unfolded: somebody of them is one with others since an identifier change.
    """
    rows = _lock_and_read(connection, settings, keys)
    raise_if_pending(connection, settings, rows.people)
    return _loaded(settings.rules.mode, rows)


def raise_if_pending(connection: sa.Connection, settings: SettingsSnapshot, people: Iterable[Person]) -> None:
    """Raise Unfolded if one of these is part of a group that counts as one person."""
    if settings.row.merges_pending:
        keys = pending_keys_of(connection, settings.row.workspace_id, people)
        if keys:
            raise PendingMerge(keys)


def pending_keys_of(connection: sa.Connection, workspace_id: int, people: Iterable[Person]) -> Sequence[str]:
    """The addresses of these that stand for groups of rows which are one person."""
    return pending_keys(connection, workspace_id, {each.email_key for each in people if each.email_key is not None})


def pending_keys(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> Sequence[str]:
    """Those of these addresses that do."""
    return [key for (key,) in _PENDING.run(connection, {"workspace_id": workspace_id, "keys": json.dumps(list(keys))})]


def load_snapshot(connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet) -> WorkingSet:
    """Read without a lock, from a snapshot. Raises Unfolded."""
    rows = _read(connection, settings, keys, _READING)
    raise_if_pending(connection, settings, rows.people)
    return _loaded(settings.rules.mode, rows).working_set


def load_with_reservations(
    connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet, reservations: Mapping[IdentifierKey, str]
) -> Loaded:
    """Reserve first, then load; everything named is there then. Raises as `load`."""
    reserve_identifiers(connection, settings.row.workspace_id, reservations)
    loaded = load(connection, settings, keys)
    loaded.reserved = {each: cio_id for each, cio_id in reservations.items() if each not in loaded.found}
    if not loaded.locks(keys.identifiers):
        raise RetryTransaction
    return loaded


def reserve_identifiers(
    connection: sa.Connection, workspace_id: int, reservations: Mapping[IdentifierKey, str]
) -> None:
    """Insert rows of absent identifiers, in the order of the key; a unique violation if one is not absent."""
    rows = [(workspace_id, KIND_NUMBERS[kind], key, cio_id) for (kind, key), cio_id in reservations.items()]
    insert_rows(connection, identifier, sorted(rows))


@contextmanager
def lock_anonymous_ids(connection: sa.Connection, workspace_id: int, anonymous_ids: Collection[str]) -> Iterator[None]:
    """Keep others from these ids until the transaction ends: who did what must be told after it was done, or before.

    They have no rows that could be locked. So each gets one, in the order of the key, that is gone before the commit.
    """
    rows = [(workspace_id, KIND_ANONYMOUS, each, "") for each in sorted(anonymous_ids)]
    insert_rows(connection, identifier, rows)
    yield
    if rows:
        delete_any_of(connection, workspace_id, identifier.c.value_key, anonymous_ids, kind=KIND_ANONYMOUS)


def discover(
    connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet
) -> tuple[LockSet, frozenset[IdentifierKey]]:
    """Look without a lock at what calls may touch besides what they name.

    Returns:
        The keys with everything that belongs to those they name, and which of the named identifiers are absent.
    """
    owners: set[IdentifierKey] = set()
    claimed: set[IdentifierKey] = set()
    for part, number, key, id_, email_key in _DISCOVERING.run(connection, _parameters(settings, keys)):
        if part == _IDENTIFIER:
            owners.add((KINDS[number], key))
        else:
            claimed.update(identifiers_of(settings.rules.mode, id_, email_key))
    named = frozenset(keys.identifiers)
    wider = LockSet(
        identifiers=tuple(sorted(named | claimed)),
        cio_ids=keys.cio_ids,
        needs_suppressions=keys.needs_suppressions,
        needs_devices=keys.needs_devices,
    )
    return wider, named - owners - claimed


def _lock_and_read(connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet) -> _Rows:
    rows = _read(connection, settings, keys, _LOCKING)
    if rows.version is None:
        raise NotFound(f"there is no workspace number {settings.row.workspace_id} any more")
    if rows.version != settings.version:
        raise RetryTransaction
    return rows


def _loaded(mode: Mode, rows: _Rows) -> Loaded:
    """A population of rows that fit together."""
    owners = {each.cio_id: each for each in rows.people}
    found: set[IdentifierKey] = set()
    for key, cio_id in rows.owners.items():
        owner = owners.get(cio_id)
        if owner is None:
            continue  # reserved, by us if this goes on
        if key not in identifiers_of(mode, owner.id, owner.email_key):
            raise RetryTransaction
        found.add(key)
    working_set = WorkingSet(mode=mode, people=rows.people, suppressions=rows.suppressions)
    return Loaded(working_set=working_set, found=frozenset(found))


def _read(connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet, statement: CompiledStatement) -> _Rows:
    rows = _Rows()
    for row in statement.run(connection, _parameters(settings, keys)):
        part, number, key, cio_id = row[:4]
        if part == _PERSON:
            rows.people.append(person_of(row[3:]))
        elif part == _IDENTIFIER:
            rows.owners[KINDS[number], key] = cio_id
        elif part == _SUPPRESSION:
            rows.suppressions.append(Suppression(kind=KINDS[number], key=key, suppression_id=cio_id))
        else:
            rows.version = number
    return rows


def _parameters(settings: SettingsSnapshot, keys: LockSet) -> dict[str, Any]:
    without_emails = settings.rules.mode is ID_ONLY
    return {
        "workspace_id": settings.row.workspace_id,
        "slot": lock_slot(),
        "ids": json.dumps([key for kind, key in keys.identifiers if kind is ID]),
        "emails": json.dumps([key for kind, key in keys.identifiers if kind is EMAIL and not without_emails]),
        "blockable": json.dumps([key for kind, key in keys.identifiers if kind is EMAIL]),
        "cio_ids": json.dumps(list(keys.cio_ids)),
    }


def person_of(row: Any) -> Person:
    """A person from a row in the order of `PERSON_COLUMNS`."""
    cio_id, id_, email, email_key, attributes, inserted_at, created_at, times = row
    return Person(
        cio_id=cio_id,
        id=id_,
        email=email,
        email_key=email_key,
        attributes=decode_json(attributes),
        inserted_at=inserted_at,
        created_at=created_at,
        attribute_timestamps=decode_json(times),
    )


PERSON_COLUMNS = (
    person.c.cio_id,
    person.c.id,
    person.c.email,
    person.c.email_key,
    person.c.attributes,
    person.c.inserted_at,
    person.c.created_at,
    person.c.attribute_timestamps,
)


def _identifier_query(kind: IdentifierKind, *, locking: bool) -> sa.Select[Any]:
    query = sa.select(identifier.c.value_key, identifier.c.cio_id).where(
        identifier.c.workspace_id == _WORKSPACE,
        identifier.c.kind == sa.literal_column(str(KIND_NUMBERS[kind])),
        any_of(identifier.c.value_key, _IDS if kind is ID else _EMAILS),
    )
    return query.order_by(identifier.c.value_key).with_for_update() if locking else query


def _statement(dialect: sa.Dialect, *, locking: bool) -> sa.ClauseElement:
    """Fence, identifiers, people and what is blocked, in this order."""
    slot = sa.bindparam("slot", type_=sa.Integer)
    passing = sa.select(workspace_lock.c.version).where(
        workspace_lock.c.workspace_id == _WORKSPACE, workspace_lock.c.slot == slot
    )
    if locking:
        passing = passing.with_for_update(read=True, key_share=True)
    passed = passing.cte("passed")
    owned = {kind: _identifier_query(kind, locking=locking).cte(f"owned_{kind}") for kind in (ID, EMAIL)}
    named = sa.union(*(sa.select(each.c.cio_id) for each in owned.values()), json_array_rows(_CIO_IDS, dialect))
    theirs = sa.select(*PERSON_COLUMNS).where(
        person.c.workspace_id == _WORKSPACE, in_subquery(person.c.cio_id, named, dialect)
    )
    if locking:
        theirs = theirs.order_by(person.c.cio_id).with_for_update()
    people = theirs.cte("people")
    return sa.union_all(
        _result_part(_LOCK, number=passed.c.version),
        *(
            _result_part(_IDENTIFIER, number=_constant(KIND_NUMBERS[kind]), key=each.c.value_key, cio_id=each.c.cio_id)
            for kind, each in owned.items()
        ),
        sa.select(_constant(_PERSON), _NO_NUMBER, _NO_TEXT, *people.c),
        *(_suppression_query(kind) for kind in (ID, EMAIL)),
    )


def _constant(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.BigInteger)


_NO_NUMBER: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.BigInteger)
_NO_TEXT: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text)


def _result_part(
    part: int,
    *,
    number: sa.ColumnElement[Any],
    key: sa.ColumnElement[Any] = _NO_TEXT,
    cio_id: sa.ColumnElement[Any] = _NO_TEXT,
) -> sa.Select[Any]:
    rest = [sa.cast(sa.null(), column.type) for column in PERSON_COLUMNS[1:]]
    return sa.select(_constant(part), number, key, cio_id, *rest)


def _suppression_query(kind: IdentifierKind) -> sa.Select[Any]:
    values = _IDS if kind is ID else sa.bindparam("blockable", type_=sa.Text)
    rows = _result_part(
        _SUPPRESSION,
        number=_constant(KIND_NUMBERS[kind]),
        key=suppression.c.value_key,
        cio_id=suppression.c.suppression_id,
    )
    return rows.where(
        suppression.c.workspace_id == _WORKSPACE,
        suppression.c.kind == sa.literal_column(str(KIND_NUMBERS[kind])),
        any_of(suppression.c.value_key, values),
    )


def _discovery_statement(dialect: sa.Dialect) -> sa.ClauseElement:
    """Which identifiers are there, and what belongs to their owners."""
    owned = {kind: _identifier_query(kind, locking=False).cte(f"owned_{kind}") for kind in (ID, EMAIL)}
    named = sa.union(*(sa.select(each.c.cio_id) for each in owned.values()), json_array_rows(_CIO_IDS, dialect))
    return sa.union_all(
        *(
            sa.select(_constant(_IDENTIFIER), _constant(KIND_NUMBERS[kind]), each.c.value_key, _NO_TEXT, _NO_TEXT)
            for kind, each in owned.items()
        ),
        sa.select(_constant(_PERSON), _NO_NUMBER, _NO_TEXT, person.c.id, person.c.email_key).where(
            person.c.workspace_id == _WORKSPACE, in_subquery(person.c.cio_id, named, dialect)
        ),
    )


def _pending_statement(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - both databases take it
    return sa.select(shared_email.c.email_key).where(
        shared_email.c.workspace_id == _WORKSPACE,
        IS_PENDING_MERGE,
        any_of(shared_email.c.email_key, sa.bindparam("keys", type_=sa.Text)),
    )


_PENDING = CompiledStatement(_pending_statement)
_LOCKING = CompiledStatement(lambda dialect: _statement(dialect, locking=True))
_READING = CompiledStatement(lambda dialect: _statement(dialect, locking=False))
_DISCOVERING = CompiledStatement(_discovery_statement)
