"""Writer of person events: activities, devices, memberships, merges and deletions, also those of deliveries.

Events take effect in their order, but in batches: events of different people, and merges into one primary, are written
together, with one or two statements for each kind. The caller holds the locks of the people, which also protect their
records.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    AnonymousLinked,
    DeviceRemoved,
    DeviceUpserted,
    MembershipSet,
    PeopleMerged,
    PersonDeleted,
    PersonEvent,
)
from workspace_operator.identity.values.devices import Device
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    any_of,
    delete_any_of,
    delete_by_primary_key,
    encode_json,
    insert_rows,
    insert_statement,
    json_recordset,
)
from workspace_operator.store.queries.record_readers import TYPE_NUMBERS, devices_of, segments_of
from workspace_operator.store.schema.sending_tables import delivery
from workspace_operator.store.schema.tables import activity, device, membership, merge
from workspace_operator.store.unit_of_work.delivery_owners import delete_deliveries, lock_deliveries
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.merge_rows import TransferredRecords, merge_row, purge_merges
from workspace_operator.store.unit_of_work.violation_rows import purge_violations

DeviceKey: TypeAlias = tuple[str, str]
"""A cio_id and a token."""

MembershipKey: TypeAlias = tuple[int, str]
"""A segment and a cio_id."""

_PHASES: Final[Mapping[type[PersonEvent], int]] = {
    PersonDeleted: 0,
    AnonymousLinked: 1,
    PeopleMerged: 2,
    ActivityLogged: 3,
    DeviceUpserted: 4,
    DeviceRemoved: 4,
    MembershipSet: 5,
}
"""The order in which a batch is written."""

_EVENT_IDS: Final = "event ids"
_ANONYMOUS_EVENTS: Final = "claims"
"""Conflict keys for records that a deletion can remove although no key names them: event ids, linked events."""


def write_events(
    connection: sa.Connection, workspace_id: int, events: Sequence[PersonEvent], *, new_id: CioIDGenerator
) -> None:
    """Write events in their order, after the people, whom the caller has locked.

    ``new_id`` generates the ids of activities and merges.
    """
    for batch in _batches(events):
        batch.apply(connection, workspace_id, new_id)


@dataclass(slots=True)
class _EventBatch:
    """Events of which none depends on another event of a later phase."""

    deleted: list[str] = field(default_factory=list)
    linked: dict[str, str] = field(default_factory=dict)
    merges: list[PeopleMerged] = field(default_factory=list)
    primaries: set[str] = field(default_factory=set)
    activities: list[ActivityLogged] = field(default_factory=list)
    devices: dict[DeviceKey, Device | None] = field(default_factory=dict)
    memberships: dict[MembershipKey, bool] = field(default_factory=dict)
    latest_phases: dict[Hashable, int] = field(default_factory=dict)

    def can_append(self, event: PersonEvent, touched: Collection[Hashable]) -> bool:
        """Whether the event takes effect after all events that it depends on."""
        phase = _PHASES[type(event)]
        if not isinstance(event, PeopleMerged):
            return self._latest_phase(touched) <= phase
        # A primary may have further secondaries; a secondary must not occur in an earlier merge of the batch.
        latest = phase if event.primary.cio_id in self.primaries else phase - 1
        before = self._latest_phase(_person_keys(event.secondary.cio_id))
        return before < phase and self._latest_phase(touched) <= latest

    def _latest_phase(self, touched: Iterable[Hashable]) -> int:
        return max(map(self.latest_phases.get, touched, repeat(-1)), default=-1)

    def add(self, event: PersonEvent, touched: Collection[Hashable]) -> None:
        self.latest_phases.update(dict.fromkeys(touched, _PHASES[type(event)]))
        match event:
            case PersonDeleted():
                self.deleted.append(event.cio_id)
            case AnonymousLinked():
                self.linked.setdefault(event.anonymous_id, event.cio_id)
            case PeopleMerged():
                self.merges.append(event)
                self.primaries.add(event.primary.cio_id)
            case ActivityLogged():
                self.activities.append(event)
            case DeviceUpserted():
                self.devices[event.cio_id, event.device.token] = event.device
            case DeviceRemoved():
                self.devices[event.cio_id, event.token] = None
            case MembershipSet():
                self.memberships[event.segment, event.cio_id] = event.member

    def apply(self, connection: sa.Connection, workspace_id: int, new_id: CioIDGenerator) -> None:
        """Write all events, phase by phase."""
        if self.deleted:
            _remove(connection, workspace_id, self.deleted)
        if self.linked:
            _link_anonymous(connection, workspace_id, self.linked)
        if self.merges:
            _merge(connection, workspace_id, self.merges, new_id)
        if self.activities:
            _insert_activities(connection, workspace_id, self.activities, new_id)
        if self.devices:
            _write_devices(connection, workspace_id, self.devices)
        if self.memberships:
            _write_memberships(connection, workspace_id, self.memberships)


def _batches(events: Sequence[PersonEvent]) -> Iterator[_EventBatch]:
    activities = [event for event in events if isinstance(event, ActivityLogged)]
    if len(activities) == len(events):
        yield _EventBatch(activities=activities)  # as of most commands: activities do not depend on each other
        return
    current = _EventBatch()
    for event in events:
        touched = _conflict_keys(event)
        if not current.can_append(event, touched):
            yield current
            current = _EventBatch()
        current.add(event, touched)
    yield current


def _conflict_keys(event: PersonEvent) -> Collection[Hashable]:
    """Keys of the records that an event reads or writes, with the event type of the phase."""
    match event:
        case ActivityLogged():
            event_ids = () if event.event_id is None else (_EVENT_IDS,)
            anonymous = () if event.anonymous_id is None else ((AnonymousLinked, event.anonymous_id),)
            return ((ActivityLogged, event.cio_id), *anonymous, *event_ids)
        case DeviceUpserted() | DeviceRemoved():
            return ((DeviceUpserted, event.cio_id),)
        case MembershipSet():
            return ((MembershipSet, event.cio_id),)
        case AnonymousLinked():
            return (AnonymousLinked, event.anonymous_id), _ANONYMOUS_EVENTS
        case PeopleMerged():
            # Of the primary only records that the secondary can have, too; activities of both are kept.
            primary_keys = [(kind, event.primary.cio_id) for kind in (DeviceUpserted, MembershipSet)]
            return [*primary_keys, *_person_keys(event.secondary.cio_id)]
        case PersonDeleted():
            return (*_person_keys(event.cio_id), _EVENT_IDS, _ANONYMOUS_EVENTS)


def _person_keys(cio_id: str) -> list[Hashable]:
    return [(kind, cio_id) for kind in (ActivityLogged, DeviceUpserted, MembershipSet)]


def _remove(connection: sa.Connection, workspace_id: int, cio_ids: Sequence[str]) -> None:
    # First, since an open or a click locks its delivery before it writes an activity.
    delete_deliveries(connection, workspace_id, cio_ids)
    for table in (activity, device, membership):
        delete_any_of(connection, workspace_id, table.c.cio_id, cio_ids)
    purge_merges(connection, workspace_id, cio_ids)
    purge_violations(connection, workspace_id, cio_ids)


_ASSIGN_ANONYMOUS = (
    sa.update(activity)
    .filter_by(workspace_id=sa.bindparam("of_workspace"), anonymous_id=sa.bindparam("linked_id"), cio_id=None)
    .values(cio_id=sa.bindparam("owner"), origin=sa.bindparam("owner"))
)


def _link_anonymous(connection: sa.Connection, workspace_id: int, people: Mapping[str, str]) -> None:
    rows = [{"of_workspace": workspace_id, "linked_id": key, "owner": cio_id} for key, cio_id in people.items()]
    connection.execute(_ASSIGN_ANONYMOUS, rows)


def _insert_activities(
    connection: sa.Connection, workspace_id: int, activities: Sequence[ActivityLogged], new_id: CioIDGenerator
) -> None:
    ids = new_id.batch(len(activities))
    rows = [activity_row(workspace_id, id_, logged) for id_, logged in zip(ids, activities, strict=True)]
    plain = [(*row[:-1], encode_json(row[-1])) for row in rows if row[_EVENT_ID] is None]
    insert_rows(connection, activity, plain)
    if len(plain) < len(rows):
        events = [row for row in rows if row[_EVENT_ID] is not None]
        # In the order of the key, so that two batches with the same events cannot deadlock.
        values = [dict(zip(_ACTIVITY_COLUMNS, row, strict=True)) for row in sorted(events, key=itemgetter(_EVENT_ID))]
        connection.execute(insert_statement(connection, activity).on_conflict_do_nothing(), values)


_ACTIVITY_COLUMNS = tuple(activity.columns.keys())
_EVENT_ID = _ACTIVITY_COLUMNS.index("event_id")


def activity_row(workspace_id: int, activity_id: str, logged: ActivityLogged) -> tuple[object, ...]:
    """An activity in the order of the table's columns."""
    return (
        workspace_id,
        TYPE_NUMBERS[logged.type],
        activity_id,
        logged.cio_id,
        logged.cio_id,
        logged.at,
        logged.name,
        logged.event_id,
        logged.anonymous_id,
        logged.data,
    )


def _write_devices(connection: sa.Connection, workspace_id: int, devices: Mapping[DeviceKey, Device | None]) -> None:
    delete_by_primary_key(connection, device, [(workspace_id, *key) for key, value in devices.items() if value is None])
    rows = [
        {"workspace_id": workspace_id, "cio_id": cio_id, **asdict(value)}
        for (cio_id, _), value in devices.items()
        if value is not None
    ]
    if rows:
        insert = insert_statement(connection, device)
        updated = {name: insert.excluded[name] for name in ("platform", "last_used", "attributes")}
        connection.execute(insert.on_conflict_do_update(index_elements=device.primary_key, set_=updated), rows)


def _write_memberships(connection: sa.Connection, workspace_id: int, memberships: Mapping[MembershipKey, bool]) -> None:
    ended = [(workspace_id, *key) for key, is_member in memberships.items() if not is_member]
    delete_by_primary_key(connection, membership, ended)
    rows = [
        {"workspace_id": workspace_id, "segment": segment, "cio_id": cio_id}
        for (segment, cio_id), is_member in memberships.items()
        if is_member
    ]
    if rows:
        connection.execute(insert_statement(connection, membership).on_conflict_do_nothing(), rows)


_MOVED_COLUMNS = (activity.c.cio_id, merge.c.holder)
_DEDUPLICATED_COLUMNS = (device.c.cio_id, membership.c.cio_id)


def _move_one(column: sa.Column[Any]) -> sa.Update:
    """Move records from a secondary to a primary."""
    return (
        sa.update(column.table)
        .where(column.table.c.workspace_id == sa.bindparam("of_workspace"), column == sa.bindparam("secondary"))
        .values({column.name: sa.bindparam("primary")})
    )


def _move_many(column: sa.Column[Any]) -> sa.Update:
    """Move the records of many pairs, given as a JSON array; not for SQLite."""
    pairs = json_recordset("pairs", [sa.column("secondary", sa.Text), sa.column("primary", sa.Text)])
    return (
        sa.update(column.table)
        .where(
            column.table.c.workspace_id == sa.bindparam("of_workspace"),
            column == pairs.c.secondary,
            # A redundant condition, so that each value is looked up in the index.
            any_of(column, sa.bindparam("secondaries", type_=sa.Text)),
        )
        .values({column.name: pairs.c.primary})
    )


_MOVE_ONE = {column: _move_one(column) for column in (delivery.c.cio_id, *_MOVED_COLUMNS, *_DEDUPLICATED_COLUMNS)}
_MOVE_MANY = {
    column: CompiledStatement(lambda _, column=column: _move_many(column))  # type: ignore[misc]
    for column in _MOVE_ONE
}


def _move(connection: sa.Connection, workspace_id: int, column: sa.Column[Any], primaries: Mapping[str, str]) -> None:
    """Move the records of one kind from each secondary to its primary."""
    pairs = [{"secondary": secondary, "primary": primary} for secondary, primary in primaries.items()]
    if not pairs:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_MOVE_ONE[column], [{"of_workspace": workspace_id, **pair} for pair in pairs])
        return
    values = {"of_workspace": workspace_id, "pairs": encode_json(pairs), "secondaries": encode_json(list(primaries))}
    _MOVE_MANY[column].run(connection, values)


def _merge(
    connection: sa.Connection, workspace_id: int, merges: Sequence[PeopleMerged], new_id: CioIDGenerator
) -> None:
    """Move all records to primaries, and write merge rows; a secondary occurs only once."""
    people = {person.cio_id for merged in merges for person in (merged.primary, merged.secondary)}
    devices, segments = devices_of(connection, workspace_id, people), segments_of(connection, workspace_id, people)
    transfers = list(zip(merges, _transferred(merges, devices, segments), strict=True))
    # Of records that both have, the primary keeps its own.
    moved = [(merged.secondary.cio_id, records) for merged, records in transfers]
    tokens = [(workspace_id, cio_id, token) for cio_id, records in moved for token in records.duplicate_tokens]
    delete_by_primary_key(connection, device, tokens)
    members = [(workspace_id, number, cio_id) for cio_id, records in moved for number in records.duplicate_segments]
    delete_by_primary_key(connection, membership, members)
    primaries = {merged.secondary.cio_id: merged.primary.cio_id for merged in merges}
    if lock_deliveries(connection, workspace_id, list(primaries)):
        _move(connection, workspace_id, delivery.c.cio_id, primaries)
    for column in _MOVED_COLUMNS:
        _move(connection, workspace_id, column, primaries)
    for column, owned in zip(_DEDUPLICATED_COLUMNS, (devices, segments), strict=True):
        _move(connection, workspace_id, column, {key: primaries[key] for key in owned.keys() & primaries.keys()})
    insert_rows(
        connection,
        merge,
        [
            merge_row(workspace_id, id_, *transfer)
            for id_, transfer in zip(new_id.batch(len(transfers)), transfers, strict=True)
        ],
    )
    purge_violations(connection, workspace_id, list(primaries))


_NO_RECORDS = TransferredRecords(devices=(), segments=(), duplicate_tokens=(), duplicate_segments=())


def _transferred(
    merges: Sequence[PeopleMerged], devices: Mapping[str, Sequence[Device]], segments: Mapping[str, Sequence[int]]
) -> Iterator[TransferredRecords]:
    """The records that each merge moves; moved ones count as duplicates for the next merge."""
    if not devices and not segments:
        yield from repeat(_NO_RECORDS, len(merges))
        return
    tokens = {cio_id: {device.token for device in owned} for cio_id, owned in devices.items()}
    numbers = {cio_id: set(owned) for cio_id, owned in segments.items()}
    for merged in merges:
        primary, secondary = merged.primary.cio_id, merged.secondary.cio_id
        primary_tokens, primary_numbers = tokens.get(primary, set()), numbers.get(primary, set())
        moved_devices, moved_segments = devices.get(secondary, ()), segments.get(secondary, ())
        yield TransferredRecords(
            devices=moved_devices,
            segments=moved_segments,
            duplicate_tokens=[device.token for device in moved_devices if device.token in primary_tokens],
            duplicate_segments=[segment for segment in moved_segments if segment in primary_numbers],
        )
        if moved_devices:
            tokens[primary] = primary_tokens | tokens[secondary]
        if moved_segments:
            numbers[primary] = primary_numbers | numbers[secondary]
