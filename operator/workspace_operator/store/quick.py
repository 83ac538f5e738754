"""The short way for the most common call: an identify about somebody who is there, and whose identifiers stay.

PostgreSQL only. Two statements without a transaction around them: one looks, without a lock, the other writes if
nothing has moved since. That it has not is said by the fence's version and by the row version that PostgreSQL itself
keeps of a person: nobody gives or takes an identifier of theirs without writing their row. Whatever is not as simple
as that, or has moved, goes the long way (`people`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.calls import ABSENT, DELETE, IdentifyCall
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import CIO_ID, ID_ONLY, Kind
from workspace_operator.identity.trail import Noted
from workspace_operator.store.dialects import Prepared, json_text, limits_locks
from workspace_operator.store.engines import LOCK_TIMEOUT_SECONDS
from workspace_operator.store.fences import Standing, own_slot
from workspace_operator.store.loading import KIND_NUMBERS, PERSON_COLUMNS, person_of
from workspace_operator.store.tables import activity, fence, identifier, person
from workspace_operator.store.tracking import entries_of
from workspace_operator.store.trails import activity_row
from workspace_operator.store.writing import SAID, only_notes, said_of

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_SLOT = sa.bindparam("slot", type_=sa.Integer)
_LOCK_LIMIT = limits_locks(LOCK_TIMEOUT_SECONDS)
_ROW_VERSION: sa.ColumnElement[str] = sa.cast(sa.literal_column("person.xmin"), sa.Text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    """What the call came to, if the rows are still as they were."""

    outcome: Outcome
    person: Person
    noted: Sequence[Noted]
    row_version: str


def may_write(standing: Standing) -> bool:
    """Whether nobody waits to hear of what writers mend (`violating.note_mending`), and nobody is to be folded."""
    return standing.row.blocked_export is None and not standing.row.folds


def suits(call: IdentifyCall) -> bool:
    """Whether the call may go the short way, as far as it says itself."""
    return not call.by_import and call.cio_id is ABSENT and call.id is not DELETE and call.email is not DELETE


def decide(
    connection: sa.Connection, standing: Standing, call: IdentifyCall, *, now: int, new_cio_id: Callable[[], str]
) -> Quick | None:
    """Look at the person and carry the call out on them; None if it has to go the long way."""
    kind = call.reference.kind
    values = {"workspace_id": standing.row.workspace_id, "slot": own_slot(), "key": call.reference.key}
    rows = _LOOKS[kind].run(connection, values)
    if not rows or rows[0][0] != standing.version or rows[0][1] is None:
        return None
    found = person_of(rows[0][2:])
    if not _keeps_identifiers(standing, call, found):
        return None
    population = Population(mode=standing.rules.mode, people=[found])
    outcome = perform(standing.rules, population, call, now=now, new_cio_id=new_cio_id)
    changes = population.changes()
    noted = only_notes(changes)
    if noted is None or len(noted) > 1 or (standing.row.tracks_changes and entries_of(changes)):
        return None
    return Quick(outcome=outcome, person=changes.replaced[0].after, noted=noted, row_version=rows[0][1])


def write(connection: sa.Connection, standing: Standing, quick: Quick, *, new_id: Callable[[], str]) -> bool:
    """Write the person, and what is noted, if nothing has moved; in one statement."""
    values: dict[str, Any] = {
        "workspace_id": standing.row.workspace_id,
        "slot": own_slot(),
        "version": standing.version,
        "of_person": quick.person.cio_id,
        "row_version": quick.row_version,
        **said_of(quick.person),
    }
    for each in quick.noted:
        *row, data = activity_row(standing.row.workspace_id, new_id(), each)
        values |= dict(zip(_NOTED, (*row, json_text(data)), strict=True))
    return bool(_WRITES[len(quick.noted)].run(connection, values))


def _keeps_identifiers(standing: Standing, call: IdentifyCall, found: Person) -> bool:
    if call.id is not ABSENT and call.id != found.id:
        return False
    return (
        call.email is ABSENT
        or standing.rules.mode is ID_ONLY
        or (call.email_key is not None and call.email_key == found.email_key)
    )


def _look(kind: Kind) -> sa.ClauseElement:
    key = sa.bindparam("key", type_=sa.Text)
    query = sa.select(fence.c.version, _ROW_VERSION, *PERSON_COLUMNS)
    ours = sa.and_(fence.c.workspace_id == _WORKSPACE, fence.c.slot == _SLOT)
    if kind is CIO_ID:
        them = sa.and_(person.c.workspace_id == _WORKSPACE, person.c.cio_id == key)
        return query.select_from(fence.outerjoin(person, them)).where(ours)
    named = sa.and_(
        identifier.c.workspace_id == _WORKSPACE,
        identifier.c.kind == sa.literal_column(str(KIND_NUMBERS[kind])),
        identifier.c.value_key == key,
    )
    them = sa.and_(person.c.workspace_id == _WORKSPACE, person.c.cio_id == identifier.c.cio_id)
    return query.select_from(fence.outerjoin(identifier, named).outerjoin(person, them)).where(ours)


def _write(*, noting: bool) -> sa.ClauseElement:
    version = sa.bindparam("version", type_=sa.BigInteger)
    passed = (
        sa.select(fence.c.version)
        .where(fence.c.workspace_id == _WORKSPACE, fence.c.slot == _SLOT, fence.c.version == version, _LOCK_LIMIT)
        .with_for_update(read=True, key_share=True)
        .cte("passed")
    )
    changed = (
        sa.update(person)
        .where(
            sa.exists(sa.select(passed.c.version)),
            person.c.workspace_id == _WORKSPACE,
            person.c.cio_id == sa.bindparam("of_person", type_=sa.Text),
            sa.bindparam("row_version", type_=sa.Text) == _ROW_VERSION,
        )
        .values({column.name: sa.bindparam(column.name, type_=column.type) for column in SAID})
        .returning(person.c.cio_id)
    )
    if not noting:
        return changed
    done = changed.cte("done")
    row = [
        sa.cast(sa.bindparam(name, type_=column.type), column.type)
        for name, column in zip(_NOTED, activity.columns, strict=True)
    ]
    return (
        sa.insert(activity)
        .from_select(activity.columns.keys(), sa.select(*row).select_from(done))
        .returning(activity.c.activity_id)
    )


_NOTED = tuple(f"noted_{name}" for name in activity.columns.keys())  # noqa: SIM118 - a collection of columns is no dict
_LOOKS = {kind: Prepared(lambda _, kind=kind: _look(kind)) for kind in Kind}  # type: ignore[misc]
_WRITES = tuple(Prepared(lambda _, noting=noting: _write(noting=noting)) for noting in (False, True))  # type: ignore[misc]
