"""Decisions are undone, a batch in a transaction that has locked the workspace exclusively."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa

from workspace_operator.application.ports import UndoResult
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Outcome, StoredDecision
from workspace_operator.cleanups.undo import UndoReason, outcome_of, undo_recorded
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
    reasons = undo.run(stored)
    outcomes = {cio_id: outcome_of(reason) for cio_id, reason in reasons.items()}
    restored = [cio_id for cio_id, outcome in outcomes.items() if outcome is not Outcome.NOT_UNDONE]
    delete_records(connection, row, restored)
    _write_outcomes(connection, row, stored, reasons)
    numbers = Counter(outcomes.values())
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

    def run(self, stored: Sequence[StoredDecision]) -> Mapping[str, UndoReason | None]:
        """Undo decisions that were carried out, in order, all merges or none.

        Returns why each is not restored as a whole, by cio_id; None: it is.
        """
        merges = {str(each.merge_id): each.cio_id for each in stored if each.decision.kind is DecisionKind.MERGE}
        if not merges:
            return self._undo_recorded(stored)
        results = undo_merges(self.connection, self.settings, list(merges), now=self.now, new_id=self.new_id)
        return {merges[merge_id]: _reason_of(result) for merge_id, result in results.items()}

    def _undo_recorded(self, stored: Sequence[StoredDecision]) -> Mapping[str, UndoReason | None]:
        """Undo decisions that left records of people, or nothing, in one working set."""
        records = read_records(self.connection, self.row, [each.cio_id for each in stored])
        former = [record.person.before for record in records.values()]
        lock_set = lock_set_of_undo(former, [person.cio_id for person in former])
        people = load_snapshot(self.connection, self.settings, lock_set)
        reasons = {each.cio_id: self._undo_one(people, each, records.get(each.cio_id)) for each in stored}
        touched = [
            each.cio_id for each in stored if each.decision.kind in _CHANGES_OF_EMAIL and reasons[each.cio_id] is None
        ]
        write_exclusively(self.connection, self.settings, people, touched, now=self.now, new_id=self.new_id)
        return reasons

    def _undo_one(self, people: WorkingSet, stored: StoredDecision, record: StoredRecord | None) -> UndoReason | None:
        kind = stored.decision.kind
        reason = undo_recorded(people, kind, None if record is None else record.person, now=self.now)
        if kind is DecisionKind.DELETE and record is not None:
            people.events += _record_events(stored.cio_id, record)
        return reason


_CHANGES_OF_EMAIL: Final = frozenset({DecisionKind.CORRECT, DecisionKind.CLEAR})


def _reason_of(result: UndoResult | NotFound | Conflict) -> UndoReason | None:
    """Why a merge is not undone as a whole; None: it is, also if somebody undid it before."""
    match result:
        case NotFound():
            return UndoReason.SURVIVOR_GONE
        case AlreadyUndone():
            return None
        case Conflict():
            return UndoReason.MERGED_AGAIN
        case _:
            return UndoReason.IDENTIFIERS_MISSING if result.unavailable else None


def _record_events(cio_id: str, record: StoredRecord) -> Sequence[PersonEvent]:
    return [
        *(DeviceUpserted(cio_id=cio_id, device=device) for device in record.devices),
        *(MembershipSet(cio_id=cio_id, segment=segment, member=True) for segment in record.segments),
    ]


def _write_outcomes(
    connection: sa.Connection, row: Row, stored: Sequence[StoredDecision], reasons: Mapping[str, UndoReason | None]
) -> None:
    connection.execute(
        OUTCOME,
        [
            {
                "of_workspace": row.workspace_id,
                "of_cleanup": row.number,
                "of_person": each.cio_id,
                "new_outcome": outcome_of(reasons[each.cio_id]).value,
                "new_reason": reasons[each.cio_id],
                "new_merge_id": each.merge_id,
            }
            for each in stored
        ],
    )
