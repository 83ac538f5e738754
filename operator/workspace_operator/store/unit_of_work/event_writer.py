"""Carrying out what calls leave behind: activities, devices, memberships, what merges move and deletions take.

Steps take effect in their order, but not one by one: those that do not concern the same people are done together, and
merges into one primary, a statement or two for each kind. Whoever calls holds the locks of the people, which guard all
that hangs on them.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import repeat
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
from workspace_operator.store.schema.tables import activity, device, membership, merge
from workspace_operator.store.unit_of_work.merge_rows import TransferredRecords, merge_row, purge_merges
from workspace_operator.store.unit_of_work.violation_rows import purge_violations

NewID: TypeAlias = Callable[[], str]
"""Makes a text that nobody has ever had, and that sorts after the ones before."""

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
"""In which order a round is carried out."""

_EVENT_IDS: Final = "event ids"
_ANONYMOUS_EVENTS: Final = "claims"
"""What whoever goes may take along without being named: the id of an event, an event that was claimed for them."""


def write_events(
    connection: sa.Connection, workspace_id: int, person_events: Sequence[PersonEvent], *, new_id: NewID
) -> None:
    """Carry out steps in their order, after the people are written.

    Args:
        connection: in the transaction that writes the people, who are locked.
        workspace_id: whose people they are.
        person_events: what the calls left behind.
        new_id: names activities and merges; later ones sort after earlier ones.
    """
    for each in _batches(person_events):
        each.apply(connection, workspace_id, new_id)


@dataclass(slots=True)
class _EventBatch:
    """Steps of which none has to wait for another one of a later phase."""

    deleted: list[str] = field(default_factory=list)
    linked: dict[str, str] = field(default_factory=dict)
    merges: list[PeopleMerged] = field(default_factory=list)
    primaries: set[str] = field(default_factory=set)
    activities: list[ActivityLogged] = field(default_factory=list)
    devices: dict[DeviceKey, Device | None] = field(default_factory=dict)
    memberships: dict[MembershipKey, bool] = field(default_factory=dict)
    latest_phases: dict[Hashable, int] = field(default_factory=dict)

    def can_append(self, event: PersonEvent, touched: Collection[Hashable]) -> bool:
        """Whether a step takes effect after all that it depends on."""
        phase = _PHASES[type(event)]
        if not isinstance(event, PeopleMerged):
            return self._latest_phase(touched) <= phase
        # Who has absorbed somebody may absorb the next; whoever is absorbed must not have had a part in anything.
        may_have = phase if event.primary.cio_id in self.primaries else phase - 1
        return (
            self._latest_phase(_person_keys(event.secondary.cio_id)) < phase and self._latest_phase(touched) <= may_have
        )

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

    def apply(self, connection: sa.Connection, workspace_id: int, new_id: NewID) -> None:
        """Write everything, phase by phase."""
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


def _batches(person_events: Sequence[PersonEvent]) -> Iterator[_EventBatch]:
    current = _EventBatch()
    for event in person_events:
        touched = _conflict_keys(event)
        if not current.can_append(event, touched):
            yield current
            current = _EventBatch()
        current.add(event, touched)
    yield current


def _conflict_keys(event: PersonEvent) -> Collection[Hashable]:
    """What of whom a step reads or writes, by the phase that is about such things."""
    match event:
        case ActivityLogged():
            event_ids = () if event.event_id is None else (_EVENT_IDS,)
            unknown = () if event.anonymous_id is None else ((AnonymousLinked, event.anonymous_id),)
            return ((ActivityLogged, event.cio_id), *unknown, *event_ids)
        case DeviceUpserted() | DeviceRemoved():
            return ((DeviceUpserted, event.cio_id),)
        case MembershipSet():
            return ((MembershipSet, event.cio_id),)
        case AnonymousLinked():
            return (AnonymousLinked, event.anonymous_id), _ANONYMOUS_EVENTS
        case PeopleMerged():
            # Of the primary only what the secondary may have, too; activities of both stand side by side.
            taking = [(of, event.primary.cio_id) for of in (DeviceUpserted, MembershipSet)]
            return [*taking, *_person_keys(event.secondary.cio_id)]
        case PersonDeleted():
            return (*_person_keys(event.cio_id), _EVENT_IDS, _ANONYMOUS_EVENTS)


def _person_keys(cio_id: str) -> list[Hashable]:
    return [(of, cio_id) for of in (ActivityLogged, DeviceUpserted, MembershipSet)]


def _remove(connection: sa.Connection, workspace_id: int, cio_ids: Sequence[str]) -> None:
    for table in (activity, device, membership):
        delete_any_of(connection, workspace_id, table.c.cio_id, cio_ids)
    purge_merges(connection, workspace_id, cio_ids)
    purge_violations(connection, workspace_id, cio_ids)


_ASSIGN_ANONYMOUS = (
    sa.update(activity)
    .where(
        activity.c.workspace_id == sa.bindparam("of_workspace"),
        activity.c.anonymous_id == sa.bindparam("known_as"),
        activity.c.cio_id.is_(None),
    )
    .values(cio_id=sa.bindparam("whose"), origin=sa.bindparam("whose"))
)


def _link_anonymous(connection: sa.Connection, workspace_id: int, people: Mapping[str, str]) -> None:
    connection.execute(
        _ASSIGN_ANONYMOUS,
        [{"of_workspace": workspace_id, "known_as": key, "whose": cio_id} for key, cio_id in people.items()],
    )


def _insert_activities(
    connection: sa.Connection, workspace_id: int, activities: Sequence[ActivityLogged], new_id: NewID
) -> None:
    named = [(new_id(), each) for each in activities]
    plain = [activity_row(workspace_id, id_, each) for id_, each in named if each.event_id is None]
    insert_rows(connection, activity, [(*row, encode_json(data)) for *row, data in plain])
    events = [activity_row(workspace_id, id_, each) for id_, each in named if each.event_id is not None]
    if events:
        # In the order of the key: two batches with the same events wait for each other, but not crosswise.
        rows = [dict(zip(_ACTIVITY_COLUMNS, row, strict=True)) for row in sorted(events, key=_event_id)]
        connection.execute(insert_statement(connection, activity).on_conflict_do_nothing(), rows)


_ACTIVITY_COLUMNS = tuple(activity.columns.keys())


def _event_id(row: Sequence[object]) -> str:
    return str(row[_ACTIVITY_COLUMNS.index("event_id")])


def activity_row(workspace_id: int, activity_id: str, each: ActivityLogged) -> tuple[object, ...]:
    """An activity in the order of the table's columns."""
    return (
        workspace_id,
        TYPE_NUMBERS[each.type],
        activity_id,
        each.cio_id,
        each.cio_id,
        each.at,
        each.name,
        each.event_id,
        each.anonymous_id,
        each.data,
    )


def _write_devices(connection: sa.Connection, workspace_id: int, devices: Mapping[DeviceKey, Device | None]) -> None:
    delete_by_primary_key(connection, device, [(workspace_id, *key) for key, each in devices.items() if each is None])
    rows = [
        {"workspace_id": workspace_id, "cio_id": cio_id, **asdict(each)}
        for (cio_id, _), each in devices.items()
        if each is not None
    ]
    if rows:
        insert = insert_statement(connection, device)
        said = {name: insert.excluded[name] for name in ("platform", "last_used", "attributes")}
        connection.execute(insert.on_conflict_do_update(index_elements=device.primary_key, set_=said), rows)


def _write_memberships(connection: sa.Connection, workspace_id: int, memberships: Mapping[MembershipKey, bool]) -> None:
    delete_by_primary_key(
        connection, membership, [(workspace_id, *key) for key, joins in memberships.items() if not joins]
    )
    rows = [
        {"workspace_id": workspace_id, "segment": segment, "cio_id": cio_id}
        for (segment, cio_id), joins in memberships.items()
        if joins
    ]
    if rows:
        connection.execute(insert_statement(connection, membership).on_conflict_do_nothing(), rows)


_MOVED_COLUMNS = (activity.c.cio_id, merge.c.holder)
_DEDUPLICATED_COLUMNS = (device.c.cio_id, membership.c.cio_id)


def _move_one(column: sa.Column[Any]) -> sa.Update:
    """What belongs to a giver, to a taker."""
    return (
        sa.update(column.table)
        .where(column.table.c.workspace_id == sa.bindparam("of_workspace"), column == sa.bindparam("giver"))
        .values({column.name: sa.bindparam("taker")})
    )


def _move_many(column: sa.Column[Any]) -> sa.Update:
    """The same of many, from a JSON array of their pairs; not on SQLite."""
    pairs = json_recordset("pairs", [sa.column("giver", sa.Text), sa.column("taker", sa.Text)])
    return (
        sa.update(column.table)
        .where(
            column.table.c.workspace_id == sa.bindparam("of_workspace"),
            column == pairs.c.giver,
            # Said twice, so that each is looked up in the index.
            any_of(column, sa.bindparam("givers", type_=sa.Text)),
        )
        .values({column.name: pairs.c.taker})
    )


_MOVE_ONE = {each: _move_one(each) for each in (*_MOVED_COLUMNS, *_DEDUPLICATED_COLUMNS)}
_MOVE_MANY = {
    each: CompiledStatement(lambda _, column=each: _move_many(column))  # type: ignore[misc]
    for each in _MOVE_ONE
}


def _move(connection: sa.Connection, workspace_id: int, column: sa.Column[Any], takers: Mapping[str, str]) -> None:
    """Move everything of a kind that hangs on the first of each pair to the second."""
    pairs = [{"giver": giver, "taker": taker} for giver, taker in takers.items()]
    if not pairs:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_MOVE_ONE[column], [{"of_workspace": workspace_id, **each} for each in pairs])
        return
    values = {"of_workspace": workspace_id, "pairs": encode_json(pairs), "givers": encode_json(list(takers))}
    _MOVE_MANY[column].run(connection, values)


def _merge(connection: sa.Connection, workspace_id: int, merges: Sequence[PeopleMerged], new_id: NewID) -> None:
    """Move everything from secondaries to primaries, and write the journal; no secondary has another part in them."""
    people = {person.cio_id for each in merges for person in (each.primary, each.secondary)}
    devices, segments = devices_of(connection, workspace_id, people), segments_of(connection, workspace_id, people)
    transfers = list(zip(merges, _transferred(merges, devices, segments), strict=True))
    # What both have, the primary keeps as it is.
    doubled = [(each.secondary.cio_id, what) for each, what in transfers]
    delete_by_primary_key(
        connection, device, [(workspace_id, who, token) for who, what in doubled for token in what.duplicate_tokens]
    )
    delete_by_primary_key(
        connection,
        membership,
        [(workspace_id, segment, who) for who, what in doubled for segment in what.duplicate_segments],
    )
    takers = {each.secondary.cio_id: each.primary.cio_id for each in merges}
    for column in _MOVED_COLUMNS:
        _move(connection, workspace_id, column, takers)
    for column, owned in zip(_DEDUPLICATED_COLUMNS, (devices, segments), strict=True):
        _move(connection, workspace_id, column, {giver: takers[giver] for giver in owned.keys() & takers.keys()})
    insert_rows(connection, merge, [merge_row(workspace_id, new_id(), *each) for each in transfers])
    purge_violations(connection, workspace_id, list(takers))


_NO_RECORDS = TransferredRecords(devices=(), segments=(), duplicate_tokens=(), duplicate_segments=())


def _transferred(
    merges: Sequence[PeopleMerged], devices: Mapping[str, Sequence[Device]], segments: Mapping[str, Sequence[int]]
) -> Iterator[TransferredRecords]:
    """What each merge takes, in their order: what a primary has from one secondary, it does not take from the next."""
    if not devices and not segments:
        yield from repeat(_NO_RECORDS, len(merges))
        return
    tokens = {cio_id: {each.token for each in owned} for cio_id, owned in devices.items()}
    numbers = {cio_id: set(owned) for cio_id, owned in segments.items()}
    for each in merges:
        own, its = each.primary.cio_id, each.secondary.cio_id
        own_tokens, own_numbers = tokens.get(own, set()), numbers.get(own, set())
        its_devices, its_segments = devices.get(its, ()), segments.get(its, ())
        yield TransferredRecords(
            devices=its_devices,
            segments=its_segments,
            duplicate_tokens=[device.token for device in its_devices if device.token in own_tokens],
            duplicate_segments=[segment for segment in its_segments if segment in own_numbers],
        )
        if its_devices:
            tokens[own] = own_tokens | tokens[its]
        if its_segments:
            numbers[own] = own_numbers | numbers[its]
