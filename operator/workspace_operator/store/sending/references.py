"""Lock and find the people whom messages name.

Identifiers and people are locked against deletion only, in the lock order of commands: a deletion, suppression or merge
of one of them waits for this transaction, and then finds its deliveries. Other commands do not wait.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from workspace_operator.errors import NotFound
from workspace_operator.identity.model.working_set import identifiers_of
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind
from workspace_operator.store.engine.citus import is_citus
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.engine.sql import CompiledStatement, any_of, in_subquery, json_array_rows
from workspace_operator.store.schema.sending_tables import mailroom
from workspace_operator.store.schema.tables import identifier, person, suppression
from workspace_operator.store.schema.types import from_microseconds
from workspace_operator.store.unit_of_work.loader import KIND_NUMBERS, KINDS, PendingMerge, pending_keys
from workspace_operator.store.unit_of_work.workspace_lock import SLOT_VERSION, SettingsSnapshot, lock_shared, lock_slot

_LOCK, _IDENTIFIER, _PERSON, _SUPPRESSION, _ROOM = range(5)


@dataclass(slots=True, kw_only=True)
class LockedReferences:
    """What the workspace has under references, locked until the transaction ends.

    Attributes:
        owners: the cio_id of each identifier that a person has.
        people: the cio_ids that exist.
        suppressed: identifiers that are suppressed.
        next_due_at: of the mailroom, which is locked, too; None also without a mailroom.
    """

    owners: dict[IdentifierKey, str] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    suppressed: set[IdentifierKey] = field(default_factory=set)
    next_due_at: datetime | None = None

    def find(self, reference: Reference) -> str | None:
        """The cio_id of the person that a reference names; None without one."""
        if reference.kind is CIO_ID:
            return reference.key if reference.key in self.people else None
        return self.owners.get(reference.identifier)

    def is_suppressed(self, reference: Reference) -> bool:
        """Whether the identifier of a reference is suppressed."""
        return reference.kind is not CIO_ID and reference.identifier in self.suppressed


def lock_references(
    connection: sa.Connection, settings: SettingsSnapshot, references: Collection[Reference]
) -> LockedReferences:
    """Lock the workspace shared, and what references name.

    Raises:
        NotFound: the workspace does not exist any more.
        RetryTransaction: the settings or the owner of an identifier have changed.
        PendingMerge: a person has a pending merge.
    """
    workspace_id = settings.row.workspace_id
    rows = _lock_rows(connection, _parameters(workspace_id, references))
    versions = [number for part, number, *_ in rows if part == _LOCK]
    if not versions:
        raise NotFound(f"workspace number {workspace_id} does not exist any more")
    locked = _locked(rows)
    people = [texts for part, _, *texts in rows if part == _PERSON]
    owned = {(key, cio_id) for cio_id, *pair in people for key in identifiers_of(settings.rules.mode, *pair)}
    if versions != [settings.version] or not owned.issuperset(locked.owners.items()):
        raise RetryTransaction
    if settings.row.merges_pending:
        _raise_if_pending(connection, workspace_id, {email for _, _, email in people if email is not None})
    return locked


def _lock_rows(connection: sa.Connection, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    if not is_citus(connection):
        return _LOCK_REFERENCES.run(connection, parameters)
    # The mailroom is not among the shards, so no statement reads it together with them.
    return [*_LOCK_ON_SHARDS.run(connection, parameters), *_LOCK_ROOM.run(connection, parameters)]


def await_acceptances(connection: sa.Connection, settings: SettingsSnapshot, references: Collection[Reference]) -> None:
    """Wait for acceptances that name the same people, and block new ones until this transaction ends.

    They hold locks of `lock_references`. The workspace is locked first, as everywhere. Raises RetryTransaction.
    """
    lock_shared(connection, settings)
    parameters = _parameters(settings.row.workspace_id, references)
    for statement in _EXCLUSIVELY:
        statement.run(connection, parameters)


def _locked(rows: Sequence[tuple[Any, ...]]) -> LockedReferences:
    locked = LockedReferences()
    for part, number, first, second, _ in rows:
        if part == _IDENTIFIER:
            locked.owners[KINDS[number], first] = second
        elif part == _PERSON:
            locked.people.add(first)
        elif part == _SUPPRESSION:
            locked.suppressed.add((KINDS[number], first))
        elif part == _ROOM and number is not None:
            locked.next_due_at = from_microseconds(number)
    return locked


def _raise_if_pending(connection: sa.Connection, workspace_id: int, emails: Collection[str]) -> None:
    keys = pending_keys(connection, workspace_id, emails)
    if keys:
        raise PendingMerge(keys)


def _parameters(workspace_id: int, references: Collection[Reference]) -> dict[str, Any]:
    keys: dict[IdentifierKind, list[str]] = {ID: [], EMAIL: [], CIO_ID: []}
    for kind, key in sorted({reference.identifier for reference in references}):
        keys[kind].append(key)
    return {
        "workspace_id": workspace_id,
        "slot": lock_slot(),
        "ids": json.dumps(keys[ID]),
        "emails": json.dumps(keys[EMAIL]),
        "cio_ids": json.dumps(keys[CIO_ID]),
    }


_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_KEYS = {ID: sa.bindparam("ids", type_=sa.Text), EMAIL: sa.bindparam("emails", type_=sa.Text)}
_CIO_IDS = sa.bindparam("cio_ids", type_=sa.Text)


def _statement(dialect: sa.Dialect, *, with_room: bool) -> sa.ClauseElement:
    """Workspace lock, identifiers, people, suppressions and the mailroom, in this order."""
    lock = _protected(SLOT_VERSION).cte("locked")
    owned = {kind: _identifiers(kind).cte(f"owned_{kind}") for kind in KIND_NUMBERS}
    named = sa.union(*(sa.select(rows.c.cio_id) for rows in owned.values()), json_array_rows(_CIO_IDS, dialect))
    of_people = sa.and_(person.c.workspace_id == _WORKSPACE, in_subquery(person.c.cio_id, named, dialect))
    query = sa.select(person.c.cio_id, person.c.id, person.c.email_key).where(of_people).order_by(person.c.cio_id)
    people = _protected(query).cte("people")
    parts = [
        _part(_LOCK, lock.c.version),
        *(
            _part(_IDENTIFIER, _constant(KIND_NUMBERS[kind]), rows.c.value_key, rows.c.cio_id)
            for kind, rows in owned.items()
        ),
        _part(_PERSON, _NO_NUMBER, people.c.cio_id, people.c.id, people.c.email_key),
        *(_suppressions(kind) for kind in KIND_NUMBERS),
    ]
    if with_room:
        room = _protected(sa.select(mailroom.c.next_due_at).where(mailroom.c.workspace_id == _WORKSPACE)).cte("room")
        parts.append(_part(_ROOM, sa.type_coerce(room.c.next_due_at, sa.BigInteger)))
    return sa.union_all(*parts)


def _room_statement(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - only for PostgreSQL
    due_at = sa.type_coerce(mailroom.c.next_due_at, sa.BigInteger)
    return _protected(_part(_ROOM, due_at).where(mailroom.c.workspace_id == _WORKSPACE))


def _protected(query: sa.Select[Any]) -> sa.Select[Any]:
    """Lock rows against deletion and changes of their keys."""
    return query.with_for_update(read=True, key_share=True)


def _identifiers(kind: IdentifierKind) -> sa.Select[Any]:
    query = sa.select(identifier.c.value_key, identifier.c.cio_id).where(
        identifier.c.workspace_id == _WORKSPACE,
        identifier.c.kind == _constant(KIND_NUMBERS[kind]),
        any_of(identifier.c.value_key, _KEYS[kind]),
    )
    return _protected(query.order_by(identifier.c.value_key))


def _suppressions(kind: IdentifierKind) -> sa.Select[Any]:
    number = _constant(KIND_NUMBERS[kind])
    return _part(_SUPPRESSION, number, suppression.c.value_key).where(
        suppression.c.workspace_id == _WORKSPACE,
        suppression.c.kind == number,
        any_of(suppression.c.value_key, _KEYS[kind]),
    )


def _constant(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.BigInteger)


_NO_NUMBER: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.BigInteger)
_NO_TEXT: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text)


def _part(part: int, number: sa.ColumnElement[Any], *texts: sa.ColumnElement[Any]) -> sa.Select[Any]:
    padded: Sequence[sa.ColumnElement[Any]] = (*texts, *[_NO_TEXT] * (3 - len(texts)))
    return sa.select(_constant(part), number, *padded)


_LOCK_REFERENCES = CompiledStatement(lambda dialect: _statement(dialect, with_room=True))
_LOCK_ON_SHARDS = CompiledStatement(lambda dialect: _statement(dialect, with_room=False))
_LOCK_ROOM = CompiledStatement(_room_statement)


def _exclusively(column: sa.Column[Any], values: sa.BindParameter[str], *conditions: sa.ColumnElement[bool]) -> Any:
    """Lock rows against acceptances, in their order."""
    query = sa.select(column).where(column.table.c.workspace_id == _WORKSPACE, *conditions, any_of(column, values))
    return query.order_by(column).with_for_update()


_EXCLUSIVELY = (
    *(
        CompiledStatement(
            lambda _, kind=kind: _exclusively(  # type: ignore[misc]
                identifier.c.value_key, _KEYS[kind], identifier.c.kind == _constant(KIND_NUMBERS[kind])
            )
        )
        for kind in KIND_NUMBERS
    ),
    CompiledStatement(lambda _: _exclusively(person.c.cio_id, _CIO_IDS)),
)
