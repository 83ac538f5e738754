"""The search for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from workspace_operator.application.people.search import MIN_PREFIX, PeoplePage
from workspace_operator.application.profiles.profiles import DeletedPerson, MergedPerson
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.groups import MAX_CELL, name_of
from workspace_operator.console.views.formats import ShownTime, day_of, visible
from workspace_operator.console.views.people.values import display_name, time_of_seconds
from workspace_operator.identity.model.person import Person

DONE: Final = frozenset({"deleted", "suppressed"})
"""What may have been done to a person just before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """A person that was found.

    Attributes:
        changed: None if no change of it is kept.
    """

    href: str
    name: str
    id: str
    email: str
    made: str
    changed: ShownTime | None
    blocks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    """A page of the search.

    Attributes:
        note: what was done just before; empty for nothing.
        empty: why no person is shown; empty if some are.
        fate: what became of the person that is looked for; empty if that is not known.
        fate_href: the page that says more.
        next_href: the next people; empty behind the last ones.
    """

    root: str
    note: str
    find: str
    lines: Sequence[PersonLine]
    empty: str
    fate: str
    fate_href: str
    next_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPeople:
    """What a search found.

    Attributes:
        page: None if nothing was looked for.
        is_first: whether it is the first page.
        changes: when people last changed, by cio_id, in Unix seconds.
        blocking: cio_ids of people who block the identifier change.
        fate: what became of the person whose cio_id was looked for; None if that is not known.
        cio_id: of that person.
    """

    root: str
    find: str
    done: str
    page: PeoplePage | None
    is_first: bool = True
    changes: Mapping[str, int]
    blocking: frozenset[str]
    fate: MergedPerson | DeletedPerson | None = None
    cio_id: str = ""


def search_view(found: FoundPeople) -> SearchView:
    """The search and what it found."""
    people: Sequence[Person] = found.page.people if found.page else ()
    after = found.page.next if found.page else None
    query = {"find": found.find, "after": after.text() if after else ""}
    return SearchView(
        root=found.root,
        note=text(f"people.done.{found.done}") if found.done in DONE else "",
        find=found.find,
        lines=[_line(person, found) for person in people],
        empty="" if people else _empty(found),
        fate=_fate(found),
        fate_href=f"{found.root}/{found.cio_id}" if found.fate else "",
        next_href=f"{found.root}?{urlencode(query)}" if after else "",
    )


def _line(person: Person, found: FoundPeople) -> PersonLine:
    changed = found.changes.get(person.cio_id)
    return PersonLine(
        href=f"{found.root}/{person.cio_id}",
        name=display_name(person),
        id=visible(person.id or "", limit=MAX_CELL),
        email=visible(person.email or "", limit=MAX_CELL),
        made=day_of(person.created_at),
        changed=None if changed is None else time_of_seconds(changed),
        blocks=person.cio_id in found.blocking,
    )


def _empty(found: FoundPeople) -> str:
    if found.page is None:
        return text("people.hint")
    if found.fate is not None:
        return ""
    if not found.is_first:
        return text("people.none_here")
    if len(found.find) < MIN_PREFIX:
        return text("people.too_short", find=visible(found.find), least=MIN_PREFIX)
    return text("people.none", find=visible(found.find))


def _fate(found: FoundPeople) -> str:
    match found.fate:
        case MergedPerson(survivor=survivor):
            return text("people.merged", person=name_of(survivor))
        case DeletedPerson():
            return text("people.deleted")
        case None:
            return ""
