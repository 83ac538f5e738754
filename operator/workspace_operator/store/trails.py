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

from workspace_operator.identity.devices import Device
from workspace_operator.identity.trail import (
    Absorbed,
    DeviceRemoved,
    DeviceSet,
    Gone,
    Membership,
    Noted,
    Recognized,
    Step,
)
from workspace_operator.store.belonging_rows import TYPE_NUMBERS, devices_of, segments_of
from workspace_operator.store.dialects import (
    Prepared,
    among,
    delete_among,
    delete_keys,
    insert_of,
    insert_rows,
    json_text,
    records,
)
from workspace_operator.store.journals import Taken, journal_row, purge_journal
from workspace_operator.store.tables import activity, device, membership, merge
from workspace_operator.store.violating import purge_violations

NewID: TypeAlias = Callable[[], str]
"""Makes a text that nobody has ever had, and that sorts after the ones before."""

DeviceKey: TypeAlias = tuple[str, str]
"""A cio_id and a token."""

MemberKey: TypeAlias = tuple[int, str]
"""A segment and a cio_id."""

_PHASES: Final[Mapping[type[Step], int]] = {
    Gone: 0,
    Recognized: 1,
    Absorbed: 2,
    Noted: 3,
    DeviceSet: 4,
    DeviceRemoved: 4,
    Membership: 5,
}
"""In which order a round is carried out."""

_EVENT_IDS: Final = "event ids"
_CLAIMS: Final = "claims"
"""What whoever goes may take along without being named: the id of an event, an event that was claimed for them."""


def write_trail(connection: sa.Connection, workspace_id: int, steps: Sequence[Step], *, new_id: NewID) -> None:
    """Carry out steps in their order, after the people are written.

    Args:
        connection: in the transaction that writes the people, who are locked.
        workspace_id: whose people they are.
        steps: what the calls left behind.
        new_id: names activities and merges; later ones sort after earlier ones.
    """
    for each in _rounds(steps):
        each.carry_out(connection, workspace_id, new_id)


@dataclass(slots=True)
class _Round:
    """Steps of which none has to wait for another one of a later phase."""

    gone: list[str] = field(default_factory=list)
    recognized: dict[str, str] = field(default_factory=dict)
    absorbed: list[Absorbed] = field(default_factory=list)
    primaries: set[str] = field(default_factory=set)
    noted: list[Noted] = field(default_factory=list)
    devices: dict[DeviceKey, Device | None] = field(default_factory=dict)
    memberships: dict[MemberKey, bool] = field(default_factory=dict)
    latest: dict[Hashable, int] = field(default_factory=dict)

    def admits(self, step: Step, touched: Collection[Hashable]) -> bool:
        """Whether a step takes effect after all that it depends on."""
        phase = _PHASES[type(step)]
        if not isinstance(step, Absorbed):
            return self._known(touched) <= phase
        # Who has absorbed somebody may absorb the next; whoever is absorbed must not have had a part in anything.
        may_have = phase if step.primary.cio_id in self.primaries else phase - 1
        return self._known(_all_of(step.secondary.cio_id)) < phase and self._known(touched) <= may_have

    def _known(self, touched: Iterable[Hashable]) -> int:
        return max(map(self.latest.get, touched, repeat(-1)), default=-1)

    def add(self, step: Step, touched: Collection[Hashable]) -> None:
        self.latest.update(dict.fromkeys(touched, _PHASES[type(step)]))
        match step:
            case Gone():
                self.gone.append(step.cio_id)
            case Recognized():
                self.recognized.setdefault(step.anonymous_id, step.cio_id)
            case Absorbed():
                self.absorbed.append(step)
                self.primaries.add(step.primary.cio_id)
            case Noted():
                self.noted.append(step)
            case DeviceSet():
                self.devices[step.cio_id, step.device.token] = step.device
            case DeviceRemoved():
                self.devices[step.cio_id, step.token] = None
            case Membership():
                self.memberships[step.segment, step.cio_id] = step.member

    def carry_out(self, connection: sa.Connection, workspace_id: int, new_id: NewID) -> None:
        """Write everything, phase by phase."""
        if self.gone:
            _remove(connection, workspace_id, self.gone)
        if self.recognized:
            _recognize(connection, workspace_id, self.recognized)
        if self.absorbed:
            _absorb(connection, workspace_id, self.absorbed, new_id)
        if self.noted:
            _note(connection, workspace_id, self.noted, new_id)
        if self.devices:
            _write_devices(connection, workspace_id, self.devices)
        if self.memberships:
            _write_memberships(connection, workspace_id, self.memberships)


def _rounds(steps: Sequence[Step]) -> Iterator[_Round]:
    current = _Round()
    for step in steps:
        touched = _touched(step)
        if not current.admits(step, touched):
            yield current
            current = _Round()
        current.add(step, touched)
    yield current


def _touched(step: Step) -> Collection[Hashable]:
    """What of whom a step reads or writes, by the phase that is about such things."""
    match step:
        case Noted():
            event_ids = () if step.event_id is None else (_EVENT_IDS,)
            unknown = () if step.anonymous_id is None else ((Recognized, step.anonymous_id),)
            return ((Noted, step.cio_id), *unknown, *event_ids)
        case DeviceSet() | DeviceRemoved():
            return ((DeviceSet, step.cio_id),)
        case Membership():
            return ((Membership, step.cio_id),)
        case Recognized():
            return (Recognized, step.anonymous_id), _CLAIMS
        case Absorbed():
            # Of the primary only what the secondary may have, too; activities of both stand side by side.
            taking = [(of, step.primary.cio_id) for of in (DeviceSet, Membership)]
            return [*taking, *_all_of(step.secondary.cio_id)]
        case Gone():
            return (*_all_of(step.cio_id), _EVENT_IDS, _CLAIMS)


def _all_of(cio_id: str) -> list[Hashable]:
    return [(of, cio_id) for of in (Noted, DeviceSet, Membership)]


def _remove(connection: sa.Connection, workspace_id: int, cio_ids: Sequence[str]) -> None:
    for table in (activity, device, membership):
        delete_among(connection, workspace_id, table.c.cio_id, cio_ids)
    purge_journal(connection, workspace_id, cio_ids)
    purge_violations(connection, workspace_id, cio_ids)


_CLAIM = (
    sa.update(activity)
    .where(
        activity.c.workspace_id == sa.bindparam("of_workspace"),
        activity.c.anonymous_id == sa.bindparam("known_as"),
        activity.c.cio_id.is_(None),
    )
    .values(cio_id=sa.bindparam("whose"), origin=sa.bindparam("whose"))
)


def _recognize(connection: sa.Connection, workspace_id: int, people: Mapping[str, str]) -> None:
    connection.execute(
        _CLAIM, [{"of_workspace": workspace_id, "known_as": key, "whose": cio_id} for key, cio_id in people.items()]
    )


def _note(connection: sa.Connection, workspace_id: int, noted: Sequence[Noted], new_id: NewID) -> None:
    named = [(new_id(), each) for each in noted]
    plain = [activity_row(workspace_id, id_, each) for id_, each in named if each.event_id is None]
    insert_rows(connection, activity, [(*row, json_text(data)) for *row, data in plain])
    events = [activity_row(workspace_id, id_, each) for id_, each in named if each.event_id is not None]
    if events:
        # In the order of the key: two batches with the same events wait for each other, but not crosswise.
        rows = [dict(zip(_ACTIVITY_COLUMNS, row, strict=True)) for row in sorted(events, key=_event_id)]
        connection.execute(insert_of(connection, activity).on_conflict_do_nothing(), rows)


_ACTIVITY_COLUMNS = tuple(activity.columns.keys())


def _event_id(row: Sequence[object]) -> str:
    return str(row[_ACTIVITY_COLUMNS.index("event_id")])


def activity_row(workspace_id: int, activity_id: str, each: Noted) -> tuple[object, ...]:
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
    delete_keys(connection, device, [(workspace_id, *key) for key, each in devices.items() if each is None])
    rows = [
        {"workspace_id": workspace_id, "cio_id": cio_id, **asdict(each)}
        for (cio_id, _), each in devices.items()
        if each is not None
    ]
    if rows:
        insert = insert_of(connection, device)
        said = {name: insert.excluded[name] for name in ("platform", "last_used", "attributes")}
        connection.execute(insert.on_conflict_do_update(index_elements=device.primary_key, set_=said), rows)


def _write_memberships(connection: sa.Connection, workspace_id: int, memberships: Mapping[MemberKey, bool]) -> None:
    delete_keys(connection, membership, [(workspace_id, *key) for key, joins in memberships.items() if not joins])
    rows = [
        {"workspace_id": workspace_id, "segment": segment, "cio_id": cio_id}
        for (segment, cio_id), joins in memberships.items()
        if joins
    ]
    if rows:
        connection.execute(insert_of(connection, membership).on_conflict_do_nothing(), rows)


_HELD = (activity.c.cio_id, merge.c.holder)
_LISTED = (device.c.cio_id, membership.c.cio_id)


def _move_one(column: sa.Column[Any]) -> sa.Update:
    """What belongs to a giver, to a taker."""
    return (
        sa.update(column.table)
        .where(column.table.c.workspace_id == sa.bindparam("of_workspace"), column == sa.bindparam("giver"))
        .values({column.name: sa.bindparam("taker")})
    )


def _move_many(column: sa.Column[Any]) -> sa.Update:
    """The same of many, from a JSON array of their pairs; not on SQLite."""
    pairs = records("pairs", [sa.column("giver", sa.Text), sa.column("taker", sa.Text)])
    return (
        sa.update(column.table)
        .where(
            column.table.c.workspace_id == sa.bindparam("of_workspace"),
            column == pairs.c.giver,
            # Said twice, so that each is looked up in the index.
            among(column, sa.bindparam("givers", type_=sa.Text)),
        )
        .values({column.name: pairs.c.taker})
    )


_MOVES_OF_ONE = {each: _move_one(each) for each in (*_HELD, *_LISTED)}
_MOVES_OF_MANY = {
    each: Prepared(lambda _, column=each: _move_many(column))  # type: ignore[misc]
    for each in _MOVES_OF_ONE
}


def _move(connection: sa.Connection, workspace_id: int, column: sa.Column[Any], takers: Mapping[str, str]) -> None:
    """Move everything of a kind that hangs on the first of each pair to the second."""
    pairs = [{"giver": giver, "taker": taker} for giver, taker in takers.items()]
    if not pairs:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_MOVES_OF_ONE[column], [{"of_workspace": workspace_id, **each} for each in pairs])
        return
    values = {"of_workspace": workspace_id, "pairs": json_text(pairs), "givers": json_text(list(takers))}
    _MOVES_OF_MANY[column].run(connection, values)


def _absorb(connection: sa.Connection, workspace_id: int, merges: Sequence[Absorbed], new_id: NewID) -> None:
    """Move everything from secondaries to primaries, and write the journal; no secondary has another part in them."""
    people = {person.cio_id for each in merges for person in (each.primary, each.secondary)}
    devices, segments = devices_of(connection, workspace_id, people), segments_of(connection, workspace_id, people)
    taken = list(zip(merges, _takings(merges, devices, segments), strict=True))
    # What both have, the primary keeps as it is.
    doubled = [(each.secondary.cio_id, what) for each, what in taken]
    delete_keys(
        connection, device, [(workspace_id, who, token) for who, what in doubled for token in what.doubled_tokens]
    )
    delete_keys(
        connection,
        membership,
        [(workspace_id, segment, who) for who, what in doubled for segment in what.doubled_segments],
    )
    takers = {each.secondary.cio_id: each.primary.cio_id for each in merges}
    for column in _HELD:
        _move(connection, workspace_id, column, takers)
    for column, owned in zip(_LISTED, (devices, segments), strict=True):
        _move(connection, workspace_id, column, {giver: takers[giver] for giver in owned.keys() & takers.keys()})
    insert_rows(connection, merge, [journal_row(workspace_id, new_id(), *each) for each in taken])
    purge_violations(connection, workspace_id, list(takers))


_NOTHING = Taken(devices=(), segments=(), doubled_tokens=(), doubled_segments=())


def _takings(
    merges: Sequence[Absorbed], devices: Mapping[str, Sequence[Device]], segments: Mapping[str, Sequence[int]]
) -> Iterator[Taken]:
    """What each merge takes, in their order: what a primary has from one secondary, it does not take from the next."""
    if not devices and not segments:
        yield from repeat(_NOTHING, len(merges))
        return
    tokens = {cio_id: {each.token for each in owned} for cio_id, owned in devices.items()}
    numbers = {cio_id: set(owned) for cio_id, owned in segments.items()}
    for each in merges:
        own, its = each.primary.cio_id, each.secondary.cio_id
        own_tokens, own_numbers = tokens.get(own, set()), numbers.get(own, set())
        its_devices, its_segments = devices.get(its, ()), segments.get(its, ())
        yield Taken(
            devices=its_devices,
            segments=its_segments,
            doubled_tokens=[device.token for device in its_devices if device.token in own_tokens],
            doubled_segments=[segment for segment in its_segments if segment in own_numbers],
        )
        if its_devices:
            tokens[own] = own_tokens | tokens[its]
        if its_segments:
            numbers[own] = own_numbers | numbers[its]
