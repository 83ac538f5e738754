"""Undo of an import, a batch in a transaction that has locked the workspace exclusively; and what it could do."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import UndoForecast
from workspace_operator.identity.command_handlers.suppression import delete
from workspace_operator.identity.model.lock_set import LockSet, lock_set_of_undo
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.imports.undo import ImportRecord, Undone, may_delete, undo_change
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.imports.records import delete_records, last_records
from workspace_operator.store.queries.record_readers import TYPE_NUMBERS
from workspace_operator.store.schema.import_tables import import_job
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import delivery
from workspace_operator.store.schema.tables import activity, device, membership, merge
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.unmerges import write_exclusively
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot

_OWNERS: Final = (device.c.cio_id, membership.c.cio_id, merge.c.holder, delivery.c.cio_id)
"""Columns whose rows say that something was added to a person."""

_FIRST_EVENT_TYPE: Final = TYPE_NUMBERS[ActivityType.EVENT]
"""Activities of this type and later ones are events; earlier ones tell of changes."""


def undo_batch(
    connection: sa.Connection,
    settings: SettingsSnapshot,
    row: Row,
    *,
    size: int,
    now: datetime,
    new_id: CioIDGenerator,
) -> dict[str, object]:
    """Undo the changes of up to ``size`` people; returns the columns of the import that change, none if all is done."""
    records = last_records(connection, row, before_row=row.cursor, size=size)
    if not records:
        return {}
    people = load_snapshot(connection, settings, _lock_set_of(records))
    undone = _undo(connection, settings, people, records, now=int(now.timestamp()))
    touched = [record.cio_id for record in records]
    write_exclusively(connection, settings, people, touched, now=int(now.timestamp()), new_id=new_id)
    done = [record.cio_id for record, result in zip(records, undone, strict=True) if result is not Undone.NOT]
    delete_records(connection, row, done)
    return {
        "cursor": records[-1].position,
        "undone": import_job.c.undone + undone.count(Undone.WHOLE),
        "undone_in_part": import_job.c.undone_in_part + undone.count(Undone.IN_PART),
        "not_undone": import_job.c.not_undone + undone.count(Undone.NOT),
    }


def undo_forecast(
    connection: sa.Connection, settings: SettingsSnapshot, row: Row, *, limit: int, now: int
) -> UndoForecast:
    """What an undo could do now with the people whom it would undo first."""
    records = last_records(connection, row, before_row=row.facts["rows"] + 1, size=limit)
    people = load_snapshot(connection, settings, _lock_set_of(records))
    undone = _undo(connection, settings, people, records, now=now)
    return UndoForecast(
        examined=len(undone),
        whole=undone.count(Undone.WHOLE),
        in_part=undone.count(Undone.IN_PART),
        not_at_all=undone.count(Undone.NOT),
    )


def _undo(
    connection: sa.Connection,
    settings: SettingsSnapshot,
    people: WorkingSet,
    records: Sequence[ImportRecord],
    *,
    now: int,
) -> list[Undone]:
    """Undo changes in a working set, in order."""
    made = [record.cio_id for record in records if record.before is None]
    with_more = _with_more(connection, settings.row.workspace_id, made) if made else ()
    return [_undo_one(people, record, with_more, now=now) for record in records]


def _undo_one(people: WorkingSet, record: ImportRecord, with_more: Collection[str], *, now: int) -> Undone:
    if record.before is not None:
        return undo_change(people, record, now=now)
    person = people.people.get(record.cio_id)
    if not may_delete(person, record, has_more=record.cio_id in with_more):
        return Undone.NOT
    delete(people, reference_to_cio_id(record.cio_id), now=now)
    return Undone.WHOLE


def _with_more(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Collection[str]:
    """The people who have devices, manual segments, merges, messages or events."""
    found: set[str] = set()
    for owner in _OWNERS:
        query = sa.select(owner).where(owner.table.c.workspace_id == workspace_id, any_of(owner, cio_ids))
        found.update(cio_id for (cio_id,) in connection.execute(query.distinct()))
    # All types are read, and events chosen here: with a range of types, PostgreSQL reads those of the whole workspace.
    of_people = sa.and_(activity.c.workspace_id == workspace_id, any_of(activity.c.cio_id, cio_ids))
    types = connection.execute(sa.select(activity.c.cio_id, activity.c.type).where(of_people).distinct())
    found.update(cio_id for cio_id, type_number in types if type_number >= _FIRST_EVENT_TYPE)
    return found


def _lock_set_of(records: Sequence[ImportRecord]) -> LockSet:
    """The people, and their former identifiers with the present owners."""
    former = [record.before for record in records if record.before is not None]
    return lock_set_of_undo(former, [record.cio_id for record in records])
