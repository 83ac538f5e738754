"""The people of a group side by side, with the person that merging them would give."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from workspace_operator.application.ports import ListedGroup
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.groups import MAX_CELL, name_of, shown_value
from workspace_operator.console.views.formats import day_of, number, visible
from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import same_value
from workspace_operator.identity.values.rules import Mode

MAX_PEOPLE: Final = 6
"""People side by side."""

MAX_ROWS: Final = 50
"""Attributes that are shown before somebody asks for all."""

MAX_ACTIVITIES: Final = 100
"""Activities of a person that are counted."""

MAX_MERGED: Final = 50
"""People of a group for which the merged person is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """A value of each person, and of the merged one; ``differs`` marks values that are not all the same."""

    name: str
    values: Sequence[str]
    merged: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonView:
    """The comparison.

    Attributes:
        people: names of the people, oldest first.
        hidden: how many people are not shown; empty if all are.
        has_merged: whether the merged person is shown.
        all_href: the page with all attributes; empty if they are shown.
    """

    title: str
    people: Sequence[str]
    rows: Sequence[ComparedRow]
    hidden: str
    has_merged: bool
    all_href: str
    all_text: str
    back_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What people have beside attributes, by cio_id.

    Attributes:
        devices: the tokens of their devices.
        segments: their manual segments.
        activities: the number of their activities, at most one more than MAX_ACTIVITIES.
    """

    devices: Mapping[str, Collection[str]]
    segments: Mapping[str, Collection[int]]
    activities: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPeople:
    """The people of a group, oldest first, all of them if they are few enough to be merged."""

    group: ListedGroup
    people: Sequence[Person]
    records: Records
    now: int
    back_href: str
    all_href: str
    is_all: bool
    mode: Mode = Mode.ID_ONLY


def merged_person(people: Sequence[Person], *, now: int, mode: Mode = Mode.ID_ONLY) -> Person:
    """The person that "Merge into the oldest" gives, in the order in which merges are carried out."""
    oldest, *others = people
    order = sorted(others, key=lambda person: person.cio_id)
    return reduce(lambda kept, other: survivor(kept, other, mode=mode, now=now), order, oldest)


def comparison_view(compared: ComparedPeople) -> ComparisonView:
    """The comparison of the people of a group."""
    group, shown = compared.group, compared.people[:MAX_PEOPLE]
    is_whole = len(compared.people) == group.people
    merged = (
        merged_person(compared.people, now=compared.now, mode=compared.mode)
        if is_whole and len(compared.people) > 1
        else None
    )
    rows = sorted(_attribute_rows(shown, merged), key=lambda row: not row.differs)
    visible_rows = rows if compared.is_all else rows[:MAX_ROWS]
    hidden = group.people - len(shown)
    return ComparisonView(
        title=visible(group.email_key or group.key, limit=MAX_CELL * 2),
        people=[name_of(person) for person in shown],
        rows=[*_identifier_rows(shown, merged), *visible_rows, *_record_rows(compared, has_merged=merged is not None)],
        hidden=counted("compare.hidden", hidden) if hidden > 0 else "",
        has_merged=merged is not None,
        all_href=compared.all_href if len(rows) > len(visible_rows) else "",
        all_text=counted("compare.all", len(rows)),
        back_href=compared.back_href,
    )


def _identifier_rows(people: Sequence[Person], merged: Person | None) -> Sequence[ComparedRow]:
    made = [day_of(person.created_at) for person in people]
    columns: dict[str, tuple[Sequence[str | None], str | None]] = {
        "compare.id": ([person.id for person in people], merged.id if merged else None),
        "compare.email": ([person.email for person in people], merged.email if merged else None),
        "compare.made": (made, day_of(merged.created_at) if merged else None),
    }
    return [
        ComparedRow(
            name=text(name),
            values=[shown_value(value) for value in values],
            merged=shown_value(after),
            differs=len(set(values)) > 1,
        )
        for name, (values, after) in columns.items()
    ]


def _attribute_rows(people: Sequence[Person], merged: Person | None) -> Sequence[ComparedRow]:
    names = sorted({name for person in people for name in person.attributes})
    return [
        ComparedRow(
            name=visible(name, limit=MAX_CELL),
            values=[shown_value(person.attributes.get(name)) for person in people],
            merged=shown_value(merged.attributes.get(name)) if merged else "",
            differs=any(
                not same_value(person.attributes.get(name), people[0].attributes.get(name)) for person in people[1:]
            ),
        )
        for name in names
    ]


def _record_rows(compared: ComparedPeople, *, has_merged: bool) -> Sequence[ComparedRow]:
    """Devices, segments and activities; those of the merged person only if all people are shown."""
    ids, records = [person.cio_id for person in compared.people[:MAX_PEOPLE]], compared.records
    devices = [set(records.devices.get(cio_id, ())) for cio_id in ids]
    segments = [set(records.segments.get(cio_id, ())) for cio_id in ids]
    activities = [records.activities.get(cio_id, 0) for cio_id in ids]
    merges = len(ids) - 1  # each is an activity of the survivor
    texts = {
        "compare.devices": [number(len(each)) for each in (*devices, set[str]().union(*devices))],
        "compare.segments": list(map(_segments_text, (*segments, set[int]().union(*segments)))),
        "compare.activities": list(map(_activities_text, (*activities, sum(activities) + merges))),
    }
    is_merged_known = has_merged and len(ids) == len(compared.people)
    return [
        ComparedRow(
            name=text(name),
            values=values,
            merged=merged if is_merged_known else "",
            differs=len(set(values)) > 1,
        )
        for name, (*values, merged) in texts.items()
    ]


def _segments_text(segments: Collection[int]) -> str:
    return ", ".join(map(str, sorted(segments)))


def _activities_text(count: int) -> str:
    return number(count) if count <= MAX_ACTIVITIES else text("compare.many", count=number(MAX_ACTIVITIES))
