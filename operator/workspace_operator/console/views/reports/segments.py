"""The manual segments of a workspace, and the people of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workspace_operator.application.ports import Segment
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.downloads import DownloadLink, download_link
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.console.views.people_links import person_href
from workspace_operator.console.views.rights import Right
from workspace_operator.identity.model.person import Person

SHOWN: Final = 25
"""Segments of a page."""

MEMBERS: Final = 50
"""People of a page."""

MAX_COUNTED: Final = 150
"""Members of each segment that a list counts, so that a page reads few rows."""

MAX_COUNTED_ALONE: Final = 4_000
"""Members that the page of one segment counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLine:
    """A segment; ``made`` is None for one that calls of the API made by its number."""

    name: str
    href: str
    people: str
    made: ShownTime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentsView:
    """A page of segments; ``next_href`` is empty behind the last."""

    lines: Sequence[SegmentLine]
    next_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """A person of a segment; ``href`` is empty without a page for people. Names are empty for one who is gone."""

    cio_id: str
    href: str
    id: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentView:
    """A segment with a page of its people; ``next_href`` is empty behind the last."""

    root: str
    name: str
    people: str
    download: DownloadLink
    lines: Sequence[MemberLine]
    next_href: str


def segments_view(segments: Sequence[Segment], *, workspace_id: int) -> SegmentsView:
    """A page of up to `SHOWN` segments, of which one more was read; one more than `MAX_COUNTED` people were counted."""
    root, shown = _root(workspace_id), segments[:SHOWN]
    return SegmentsView(
        lines=[
            SegmentLine(
                name=_name(segment),
                href=f"{root}/{segment.number}",
                people=_people_text(segment.people, MAX_COUNTED),
                made=None if segment.created_at is None else time(segment.created_at),
            )
            for segment in shown
        ],
        next_href=f"{root}?after={shown[-1].number}" if len(segments) > SHOWN else "",
    )


def segment_view(
    segment: Segment, members: Sequence[str], people: Mapping[str, Person], download: Right, *, workspace_id: int
) -> SegmentView:
    """A page of up to `MEMBERS` members, of which one more was read."""
    root, shown = _root(workspace_id), members[:MEMBERS]
    href = f"{root}/{segment.number}"
    return SegmentView(
        root=root,
        name=_name(segment),
        people=_people_text(segment.people, MAX_COUNTED_ALONE),
        download=download_link(text("segments.download"), f"{href}/csv", download),
        lines=[_member(cio_id, people.get(cio_id), workspace_id) for cio_id in shown],
        next_href=f"{href}?after={shown[-1]}" if len(members) > MEMBERS else "",
    )


def _root(workspace_id: int) -> str:
    return f"/w/{workspace_id}/segments"


def _name(segment: Segment) -> str:
    number = f"#{segment.number}"
    return number if segment.name is None else f"{visible(segment.name)} {number}"


def _people_text(people: int, most: int) -> str:
    if people > most:
        return text("segments.many", count=f"{most:,}")
    return counted("people", people)


def _member(cio_id: str, person: Person | None, workspace_id: int) -> MemberLine:
    return MemberLine(
        cio_id=cio_id,
        href=person_href(workspace_id, cio_id),
        id=visible(person.id or "") if person else "",
        email=visible(person.email or "") if person else "",
    )
