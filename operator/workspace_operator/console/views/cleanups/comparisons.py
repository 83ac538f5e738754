"""The people of a group side by side, with the person that merging them would give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from workspace_operator.application.ports import ListedGroup
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.groups import MAX_CELL, name_of, shown_value
from workspace_operator.console.views.formats import day_of, visible
from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import same_value
from workspace_operator.identity.values.rules import Mode

MAX_PEOPLE: Final = 6
"""People side by side."""

MAX_ROWS: Final = 50
"""Attributes that are shown before somebody asks for all."""

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
    """What people have beside attributes: devices, manual segments and recent activities, by cio_id."""

    devices: Mapping[str, int]
    segments: Mapping[str, Sequence[int]]
    activities: Mapping[str, str]


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
        rows=[*_identifier_rows(shown, merged), *visible_rows, *_record_rows(shown, compared.records)],
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


def _record_rows(people: Sequence[Person], records: Records) -> Sequence[ComparedRow]:
    ids = [person.cio_id for person in people]
    values = {
        "compare.devices": [str(records.devices.get(cio_id, 0)) for cio_id in ids],
        "compare.segments": [", ".join(map(str, records.segments.get(cio_id, ()))) for cio_id in ids],
        "compare.activities": [records.activities.get(cio_id, "0") for cio_id in ids],
    }
    return [
        ComparedRow(name=text(name), values=shown, merged="", differs=len(set(shown)) > 1)
        for name, shown in values.items()
    ]
