"""Decisions are undone, a batch in a transaction that has locked the workspace exclusively."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa

from workspace_operator.application.ports import UndoResult
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Outcome, StoredDecision
from workspace_operator.cleanups.undo import UndoReason, undo_deletion, undo_email
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.lock_set import lock_set_of_undo
from workspace_operator.identity.model.person_events import DeviceUpserted, MembershipSet, PersonEvent
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.store.cleanups.apply import OUTCOME
from workspace_operator.store.cleanups.order import decisions_to_undo
from workspace_operator.store.cleanups.records import StoredRecord, delete_records, read_records
from workspace_operator.store.schema.cleanup_tables import cleanup
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.unmerges import AlreadyUndone, undo_merges, write_exclusively
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot

_COUNTERS: Mapping[Outcome, sa.Column[int]] = {
    Outcome.UNDONE: cleanup.c.undone,
    Outcome.UNDONE_IN_PART: cleanup.c.undone_in_part,
    Outcome.NOT_UNDONE: cleanup.c.not_undone,
}


class _Undone(NamedTuple):
    """What became of the undo of a decision."""

    outcome: Outcome
    reason: UndoReason | None = None


def undo_batch(
    connection: sa.Connection,
    settings: SettingsSnapshot,
    row: Row,
    *,
    size: int,
    now: datetime,
    new_id: CioIDGenerator,
) -> dict[str, object]:
    """Undo up to ``size`` decisions; returns the columns of the cleanup that change, none if all are undone."""
    stored, position = decisions_to_undo(connection, row, size=size)
    if not stored:
        return {}
    undo = _Undo(connection=connection, settings=settings, row=row, now=int(now.timestamp()), new_id=new_id)
    undone = undo.run(stored)
    restored = [cio_id for cio_id, each in undone.items() if each.outcome is not Outcome.NOT_UNDONE]
    delete_records(connection, row, restored)
    _write_outcomes(connection, row, stored, undone)
    numbers = Counter(each.outcome for each in undone.values())
    numbers.subtract(each.outcome for each in stored if each.outcome is Outcome.NOT_UNDONE)  # it was tried again
    return {
        "cursor": position.text(),
        **{column.name: column + numbers[outcome] for outcome, column in _COUNTERS.items()},
    }


class _Undo(NamedTuple):
    """Undoes the decisions of a batch in one transaction, at ``now`` in Unix seconds."""

    connection: sa.Connection
    settings: SettingsSnapshot
    row: Row
    now: int
    new_id: CioIDGenerator

    def run(self, stored: Sequence[StoredDecision]) -> Mapping[str, _Undone]:
        """Undo decisions that were carried out, in order, all merges or none; returns the results by cio_id."""
        merges = {str(each.merge_id): each for each in stored if each.decision.kind is DecisionKind.MERGE}
        if merges:
            return {merges[merge_id].cio_id: result for merge_id, result in self._undo_merges(list(merges)).items()}
        return self._undo_recorded(stored)

    def _undo_merges(self, merge_ids: Sequence[str]) -> Mapping[str, _Undone]:
        results = undo_merges(self.connection, self.settings, merge_ids, now=self.now, new_id=self.new_id)
        return {merge_id: _result_of(result) for merge_id, result in results.items()}

    def _undo_recorded(self, stored: Sequence[StoredDecision]) -> Mapping[str, _Undone]:
        """Undo decisions that left records of people, or nothing, in one working set."""
        records = read_records(self.connection, self.row, [each.cio_id for each in stored])
        former = [record.person.before for record in records.values()]
        lock_set = lock_set_of_undo(former, [person.cio_id for person in former])
        people = load_snapshot(self.connection, self.settings, lock_set)
        undone = {each.cio_id: self._undo_one(people, each, records.get(each.cio_id)) for each in stored}
        touched = [
            each.cio_id
            for each in stored
            if each.decision.kind in _CHANGES_OF_EMAIL and undone[each.cio_id].outcome is Outcome.UNDONE
        ]
        write_exclusively(self.connection, self.settings, people, touched, now=self.now, new_id=self.new_id)
        return undone

    def _undo_one(self, people: WorkingSet, stored: StoredDecision, record: StoredRecord | None) -> _Undone:
        if stored.decision.kind is DecisionKind.KEEP:
            return _Undone(Outcome.UNDONE)
        if record is None:
            return _Undone(Outcome.NOT_UNDONE, UndoReason.ERASED)
        if stored.decision.kind is DecisionKind.DELETE:
            reason = undo_deletion(people, record.person, now=self.now)
            people.events += _record_events(stored.cio_id, record)
            return _Undone(Outcome.UNDONE) if reason is None else _in_part(reason)
        reason = undo_email(people, record.person, now=self.now)
        return _Undone(Outcome.UNDONE) if reason is None else _Undone(Outcome.NOT_UNDONE, reason)


_CHANGES_OF_EMAIL: Final = frozenset({DecisionKind.CORRECT, DecisionKind.CLEAR})


def _result_of(result: UndoResult | NotFound | Conflict) -> _Undone:
    """What became of the undo of a merge."""
    match result:
        case NotFound():
            return _Undone(Outcome.NOT_UNDONE, UndoReason.SURVIVOR_GONE)
        case AlreadyUndone():  # by hand
            return _Undone(Outcome.UNDONE)
        case Conflict():
            return _Undone(Outcome.NOT_UNDONE, UndoReason.MERGED_AGAIN)
        case _:
            return _in_part(UndoReason.IDENTIFIERS_MISSING) if result.unavailable else _Undone(Outcome.UNDONE)


def _in_part(reason: UndoReason) -> _Undone:
    return _Undone(Outcome.UNDONE_IN_PART, reason)


def _record_events(cio_id: str, record: StoredRecord) -> Sequence[PersonEvent]:
    return [
        *(DeviceUpserted(cio_id=cio_id, device=device) for device in record.devices),
        *(MembershipSet(cio_id=cio_id, segment=segment, member=True) for segment in record.segments),
    ]


def _write_outcomes(
    connection: sa.Connection, row: Row, stored: Sequence[StoredDecision], undone: Mapping[str, _Undone]
) -> None:
    connection.execute(
        OUTCOME,
        [
            {
                "of_workspace": row.workspace_id,
                "of_cleanup": row.number,
                "of_person": each.cio_id,
                "new_outcome": undone[each.cio_id].outcome.value,
                "new_reason": undone[each.cio_id].reason,
                "new_merge_id": each.merge_id,
            }
            for each in stored
        ],
    )
