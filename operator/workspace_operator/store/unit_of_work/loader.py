"""Lock and read the rows that commands may touch into a working set.

The lock order is that of design §5: workspace lock, identifiers in the order (kind, key), people by cio_id. While a
command depends on the absence of an identifier, no other must create it. So an absent identifier is reserved: its row
is inserted before the others are locked, for the person whom the command would create, and deleted if it created none.

Consistency is checked: PostgreSQL waits for locks in the middle of a statement, and then returns rows of different
ages. Rows that do not match raise `RetryTransaction`.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
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
    workspace_any_of,
)
from workspace_operator.store.schema.mappers import IS_PENDING_MERGE
from workspace_operator.store.schema.tables import (
    KIND_ANONYMOUS,
    KIND_EMAIL,
    KIND_ID,
    device,
    identifier,
    person,
    shared_email,
    suppression,
)
from workspace_operator.store.unit_of_work.workspace_lock import SLOT_VERSION, SettingsSnapshot, lock_slot

KIND_NUMBERS = {IdentifierKind.ID: KIND_ID, IdentifierKind.EMAIL: KIND_EMAIL}
KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}

_LOCK, _IDENTIFIER, _PERSON, _SUPPRESSION = range(4)

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_IDS, _EMAILS, _CIO_IDS = (sa.bindparam(name, type_=sa.Text) for name in ("ids", "emails", "cio_ids"))


class PendingMerge(Exception):
    """People share an address and are one person, whose rows must be merged first."""

    def __init__(self, keys: Collection[str]) -> None:
        super().__init__("rows of one person are not merged yet")
        self.keys = keys


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A working set, and the identifiers that this transaction has locked.

    Attributes:
        found: identifiers with an owner, locked with their rows.
        reserved: identifiers without an owner, each with the provisional cio_id of its row.
    """

    working_set: WorkingSet
    found: frozenset[IdentifierKey]
    reserved: dict[IdentifierKey, str] = field(default_factory=dict)

    def locks(self, identifiers: Collection[IdentifierKey]) -> bool:
        """Whether this transaction may change all of these identifiers."""
        return self.found.union(self.reserved).issuperset(identifiers)


@dataclass(slots=True, kw_only=True)
class _Rows:
    """The rows of the one statement, by their kind."""

    version: int | None = None
    owners: dict[IdentifierKey, str] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)


def load(
    connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet, reserved: Collection[IdentifierKey] = ()
) -> Loaded:
    """Lock the workspace shared, then lock and read identifiers and their owners.

    The rows of ``reserved`` identifiers are neither locked nor read: this transaction has inserted them.

    Raises:
        NotFound: the workspace does not exist any more.
        RetryTransaction: the settings of the workspace, or the owner of an identifier, have changed.
        PendingMerge: a person has a pending merge.
    """
    rows = _read(connection, settings, keys, _LOCKING, reserved)
    if rows.version is None:
        raise NotFound(f"workspace number {settings.row.workspace_id} does not exist any more")
    if rows.version != settings.version:
        raise RetryTransaction
    raise_if_pending(connection, settings, rows.people)
    return _loaded(settings.rules.mode, rows)


def raise_if_pending(connection: sa.Connection, settings: SettingsSnapshot, people: Iterable[Person]) -> None:
    """Raise PendingMerge if one of the people has a pending merge."""
    if settings.row.merges_pending:
        keys = pending_keys_of(connection, settings.row.workspace_id, people)
        if keys:
            raise PendingMerge(keys)


def pending_keys_of(connection: sa.Connection, workspace_id: int, people: Iterable[Person]) -> Sequence[str]:
    """The e-mail keys of the people that have a pending merge."""
    return pending_keys(connection, workspace_id, {found.email_key for found in people if found.email_key is not None})


def pending_keys(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> Sequence[str]:
    """The e-mail keys that have a pending merge."""
    return [key for (key,) in _PENDING.run(connection, {"of_workspace": workspace_id, "keys": json.dumps(list(keys))})]


def load_snapshot(connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet) -> WorkingSet:
    """Read without a lock, from a snapshot. Raises PendingMerge."""
    rows = _read(connection, settings, keys, _READING)
    raise_if_pending(connection, settings, rows.people)
    return _loaded(settings.rules.mode, rows).working_set


def load_extras(connection: sa.Connection, workspace_id: int, working_set: WorkingSet, keys: LockSet) -> None:
    """Load suppressions and devices if the commands need them."""
    if keys.needs_suppressions:
        groups = {group for holders in working_set.suppressed.values() for group in holders}
        rows = sa.select(suppression).filter_by(workspace_id=workspace_id)
        for _, kind, key, group in connection.execute(rows.where(any_of(suppression.c.suppression_id, groups))):
            working_set.suppress(Suppression(kind=KINDS[kind], key=key, suppression_id=group))
    if keys.needs_devices:
        tokens = sa.select(device.c.cio_id, device.c.token).filter_by(workspace_id=workspace_id)
        for cio_id, token in connection.execute(tokens.where(any_of(device.c.cio_id, working_set.people))):
            working_set.devices.setdefault(cio_id, set()).add(token)
    working_set.mark_clean()


def load_with_reservations(
    connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet, reservations: Mapping[IdentifierKey, str]
) -> Loaded:
    """Reserve identifiers, then load; the result locks the whole lock set. Raises as `load`."""
    insert_identifiers(connection, settings.row.workspace_id, reservations)
    loaded = load(connection, settings, keys, reservations)
    loaded.reserved = dict(reservations)
    if not loaded.locks(keys.identifiers):
        raise RetryTransaction
    return loaded


def insert_identifiers(connection: sa.Connection, workspace_id: int, owners: Mapping[IdentifierKey, str]) -> None:
    """Insert rows of absent identifiers, in key order; a unique violation if one exists."""
    rows = [(workspace_id, KIND_NUMBERS[kind], key, cio_id) for (kind, key), cio_id in owners.items()]
    insert_rows(connection, identifier, sorted(rows), may_conflict=True)


def lock_anonymous_ids(connection: sa.Connection, workspace_id: int, anonymous_ids: Collection[str]) -> None:
    """Lock anonymous ids, in their order, to serialize events and links.

    Anonymous ids have no rows to lock. So each gets one, which `unlock_anonymous_ids` deletes before the commit.
    """
    rows = [(workspace_id, KIND_ANONYMOUS, anonymous_id, "") for anonymous_id in sorted(anonymous_ids)]
    insert_rows(connection, identifier, rows, may_conflict=True)


def unlock_anonymous_ids(connection: sa.Connection, workspace_id: int, anonymous_ids: Collection[str]) -> None:
    """Delete the rows of `lock_anonymous_ids`; their locks last until the transaction ends."""
    if anonymous_ids:
        delete_any_of(connection, workspace_id, identifier.c.value_key, anonymous_ids, kind=KIND_ANONYMOUS)


def discover(
    connection: sa.Connection, settings: SettingsSnapshot, keys: LockSet
) -> tuple[LockSet, frozenset[IdentifierKey]]:
    """Find, without a lock, the identifiers that commands may touch besides those they name.

    Returns:
        The lock set, extended by all identifiers of the named people, and the named identifiers that are absent.
    """
    owners: set[IdentifierKey] = set()
    claimed: set[IdentifierKey] = set()
    for part, number, key, id_, email_key in _DISCOVERING.run(connection, _parameters(settings, keys)):
        if part == _IDENTIFIER:
            owners.add((KINDS[number], key))
        else:
            claimed.update(identifiers_of(settings.rules.mode, id_, email_key))
    named = frozenset(keys.identifiers)
    extended = replace(keys, identifiers=tuple(sorted(named | claimed)))
    return extended, named - owners - claimed


def _loaded(mode: Mode, rows: _Rows) -> Loaded:
    """Make a working set of rows that match; otherwise raise RetryTransaction."""
    owners = {owner.cio_id: owner for owner in rows.people}
    found: set[IdentifierKey] = set()
    for key, cio_id in rows.owners.items():
        owner = owners.get(cio_id)
        if owner is None:
            continue  # a reserved identifier; `Loaded.locks` checks that this transaction reserved it
        if key not in identifiers_of(mode, owner.id, owner.email_key):
            raise RetryTransaction
        found.add(key)
    working_set = WorkingSet(mode=mode, people=rows.people, suppressions=rows.suppressions)
    return Loaded(working_set=working_set, found=frozenset(found))


def _read(
    connection: sa.Connection,
    settings: SettingsSnapshot,
    keys: LockSet,
    statement: CompiledStatement,
    reserved: Collection[IdentifierKey] = (),
) -> _Rows:
    rows = _Rows()
    for row in statement.run(connection, _parameters(settings, keys, reserved)):
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


def _parameters(settings: SettingsSnapshot, keys: LockSet, reserved: Collection[IdentifierKey] = ()) -> dict[str, Any]:
    ids = [key for kind, key in keys.identifiers if kind is ID]
    emails = [key for kind, key in keys.identifiers if kind is EMAIL]
    owned_emails = [] if settings.rules.mode is ID_ONLY else emails
    return {
        "workspace_id": settings.row.workspace_id,
        "slot": lock_slot(),
        "ids": json.dumps([key for key in ids if (ID, key) not in reserved]),
        "emails": json.dumps([key for key in owned_emails if (EMAIL, key) not in reserved]),
        "suppressible_ids": json.dumps(ids),
        "suppressible_emails": json.dumps(emails),
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


PERSON_COLUMNS = tuple(person.c[field.name] for field in fields(Person))


def _identifier_query(kind: IdentifierKind, *, locking: bool) -> sa.Select[Any]:
    query = sa.select(identifier.c.value_key, identifier.c.cio_id).where(
        identifier.c.workspace_id == _WORKSPACE,
        identifier.c.kind == _constant(KIND_NUMBERS[kind]),
        any_of(identifier.c.value_key, _IDS if kind is ID else _EMAILS),
    )
    return query.order_by(identifier.c.value_key).with_for_update() if locking else query


def _statement(dialect: sa.Dialect, *, locking: bool) -> sa.ClauseElement:
    """Workspace lock, identifiers, people and suppressions, in this order."""
    lock = (SLOT_VERSION.with_for_update(read=True, key_share=True) if locking else SLOT_VERSION).cte("locked")
    owned = {kind: _identifier_query(kind, locking=locking).cte(f"owned_{kind}") for kind in (ID, EMAIL)}
    named = sa.union(*(sa.select(rows.c.cio_id) for rows in owned.values()), json_array_rows(_CIO_IDS, dialect))
    people_query = sa.select(*PERSON_COLUMNS).where(
        person.c.workspace_id == _WORKSPACE, in_subquery(person.c.cio_id, named, dialect)
    )
    if locking:
        people_query = people_query.order_by(person.c.cio_id).with_for_update()
    people = people_query.cte("people")
    return sa.union_all(
        _result_part(_LOCK, number=lock.c.version),
        *(
            _result_part(_IDENTIFIER, number=_constant(KIND_NUMBERS[kind]), key=rows.c.value_key, cio_id=rows.c.cio_id)
            for kind, rows in owned.items()
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
    values = sa.bindparam(f"suppressible_{kind}s", type_=sa.Text)
    number, key = _constant(KIND_NUMBERS[kind]), suppression.c.value_key
    rows = _result_part(_SUPPRESSION, number=number, key=key, cio_id=suppression.c.suppression_id)
    return rows.where(suppression.c.workspace_id == _WORKSPACE, suppression.c.kind == number, any_of(key, values))


def _discovery_statement(dialect: sa.Dialect) -> sa.ClauseElement:
    """The named identifiers that exist, and the identifiers of their owners."""
    owned = {kind: _identifier_query(kind, locking=False).cte(f"owned_{kind}") for kind in (ID, EMAIL)}
    named = sa.union(*(sa.select(rows.c.cio_id) for rows in owned.values()), json_array_rows(_CIO_IDS, dialect))
    return sa.union_all(
        *(
            sa.select(_constant(_IDENTIFIER), _constant(KIND_NUMBERS[kind]), rows.c.value_key, _NO_TEXT, _NO_TEXT)
            for kind, rows in owned.items()
        ),
        sa.select(_constant(_PERSON), _NO_NUMBER, _NO_TEXT, person.c.id, person.c.email_key).where(
            person.c.workspace_id == _WORKSPACE, in_subquery(person.c.cio_id, named, dialect)
        ),
    )


IS_PENDING = sa.and_(workspace_any_of(shared_email.c.email_key, "keys"), IS_PENDING_MERGE)
"""Whether an address of the parameters ``of_workspace`` and ``keys`` has a pending merge."""
_PENDING = CompiledStatement(lambda _: sa.select(shared_email.c.email_key).where(IS_PENDING))
_LOCKING = CompiledStatement(lambda dialect: _statement(dialect, locking=True))
_READING = CompiledStatement(lambda dialect: _statement(dialect, locking=False))
_DISCOVERING = CompiledStatement(_discovery_statement)
