"""Decisions are undone, a batch in a transaction that has locked the workspace exclusively."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Outcome, StoredDecision
from workspace_operator.cleanups.undo import UndoReason, undo_deletion, undo_email
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.lock_set import LockSet
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import DeviceUpserted, MembershipSet, PersonEvent
from workspace_operator.identity.values.rules import EMAIL, ID
from workspace_operator.store.cleanups.apply import OUTCOME
from workspace_operator.store.cleanups.order import decisions_to_undo
from workspace_operator.store.cleanups.records import StoredRecord, delete_records, read_records
from workspace_operator.store.schema.cleanup_tables import cleanup
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import merge
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.unmerges import undo_merge, write_exclusively
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
    recorded = [each.cio_id for each in stored if each.decision.kind is not DecisionKind.MERGE]
    records = read_records(connection, row, recorded)
    undo = _Undo(connection=connection, settings=settings, now=int(now.timestamp()), new_id=new_id)
    undone = {each.cio_id: undo.undo(each, records.get(each.cio_id)) for each in stored}
    restored = [cio_id for cio_id, each in undone.items() if each.outcome is not Outcome.NOT_UNDONE]
    delete_records(connection, row, restored)
    _write_outcomes(connection, row, stored, undone)
    outcomes = [each.outcome for each in undone.values()]
    return {
        "cursor": position.text(),
        **{column.name: column + outcomes.count(outcome) for outcome, column in _COUNTERS.items()},
    }


class _Undo(NamedTuple):
    """Undoes single decisions in one transaction, at ``now`` in Unix seconds."""

    connection: sa.Connection
    settings: SettingsSnapshot
    now: int
    new_id: CioIDGenerator

    def undo(self, stored: StoredDecision, record: StoredRecord | None) -> _Undone:
        """Undo a decision that was carried out."""
        match stored.decision.kind:
            case DecisionKind.KEEP:
                return _Undone(Outcome.UNDONE)
            case DecisionKind.MERGE:
                return self._undo_merge(str(stored.merge_id))
            case _ if record is None:
                return _Undone(Outcome.NOT_UNDONE, UndoReason.ERASED)
            case DecisionKind.DELETE:
                return self._undo_deletion(record)
            case _:
                return self._undo_email(record)

    def _undo_merge(self, merge_id: str) -> _Undone:
        try:
            result = undo_merge(self.connection, self.settings, merge_id, now=self.now, new_id=self.new_id)
        except NotFound:
            return _Undone(Outcome.NOT_UNDONE, UndoReason.SURVIVOR_GONE)
        except Conflict:
            if self._is_undone(merge_id):  # by hand
                return _Undone(Outcome.UNDONE)
            return _Undone(Outcome.NOT_UNDONE, UndoReason.MERGED_AGAIN)
        return _in_part(UndoReason.IDENTIFIERS_MISSING) if result.unavailable else _Undone(Outcome.UNDONE)

    def _is_undone(self, merge_id: str) -> bool:
        query = sa.select(merge.c.undone_at).filter_by(workspace_id=self.settings.row.workspace_id, merge_id=merge_id)
        return self.connection.execute(query).scalar_one() is not None

    def _undo_email(self, record: StoredRecord) -> _Undone:
        person = record.person.before
        people = load_snapshot(self.connection, self.settings, _lock_set_of(person))
        reason = undo_email(people, record.person, now=self.now)
        if reason is not None:
            return _Undone(Outcome.NOT_UNDONE, reason)
        write_exclusively(self.connection, self.settings, people, [person.cio_id], now=self.now, new_id=self.new_id)
        return _Undone(Outcome.UNDONE)

    def _undo_deletion(self, record: StoredRecord) -> _Undone:
        person = record.person.before
        people = load_snapshot(self.connection, self.settings, _lock_set_of(person))
        reason = undo_deletion(people, record.person, now=self.now)
        people.events += _record_events(person.cio_id, record)
        write_exclusively(self.connection, self.settings, people, [], now=self.now, new_id=self.new_id)
        return _Undone(Outcome.UNDONE) if reason is None else _in_part(reason)


def _in_part(reason: UndoReason) -> _Undone:
    return _Undone(Outcome.UNDONE_IN_PART, reason)


def _lock_set_of(person: Person) -> LockSet:
    values = ((ID, person.id), (EMAIL, person.email_key))
    return LockSet(identifiers=tuple((kind, key) for kind, key in values if key is not None), cio_ids=(person.cio_id,))


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
