"""Pages of the people that block a migration: groups in order, or the people of one group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from workspace_operator.application.people.csv_export import parse_attribute_names
from workspace_operator.application.ports import ListedGroup, Listings, ListQuery, PersonCursor
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.values.text_limits import MAX_VALUE_BYTES, check_text, quoted
from workspace_operator.migrations.model import Violation
from workspace_operator.web.app_api.cleanups.cleanup_routes import page_limit
from workspace_operator.web.app_api.cleanups.cursors import (
    group_cursor_of,
    group_cursor_text,
    person_cursor_of,
    person_cursor_text,
)

VIOLATION_PARAMETERS: Final = ("kind", "group", "after", "limit", "with")

MAX_PAGE: Final = 100
"""Maximum number, and the default, of groups of a page, or of people if it is about one group."""
MAX_MEMBERS: Final = 10
"""Maximum number of people of each group in a page of groups."""
MAX_ATTRIBUTES: Final = 10
"""Maximum number of attributes of each person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationSelection:
    """What a query selects.

    Attributes:
        violation: only groups with a person who has this violation; None for all.
        group: the key of the group whose people are listed; None for a list of groups.
        after: the text of a position; empty for the beginning.
    """

    violation: Violation | None
    group: str | None
    after: str
    limit: int
    attributes: Sequence[str]

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read a query. Raises InvalidInput."""
        group = query.get("group")
        if group is not None:
            check_text(group, field="group", limit=MAX_VALUE_BYTES)
            if "kind" in query:
                raise InvalidInput("kind selects groups: leave it out for the people of one group", field="kind")
        return cls(
            violation=_violation(query),
            group=group,
            after=query.get("after", ""),
            limit=page_limit(query, default=MAX_PAGE, most=MAX_PAGE),
            attributes=_attributes(query),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationPage:
    """Groups, and the text of the position behind them, which is empty on the last page."""

    groups: Sequence[ListedGroup]
    next: str


def read_page(
    listings: Listings, workspace_id: int, export: int, draft: int | None, selection: ViolationSelection
) -> ViolationPage:
    """Read a page of an export, with the decisions of a draft. Raises InvalidInput and NotFound."""
    query = ListQuery(
        export_number=export,
        cleanup_number=draft,
        violation=selection.violation,
        attributes=tuple(selection.attributes),
        members=MAX_MEMBERS,
    )
    if selection.group is not None:
        return _people_of(selection.group, listings, workspace_id, query, selection)
    page = listings.groups(workspace_id, query, after=group_cursor_of(selection.after), limit=selection.limit)
    return ViolationPage(groups=page.groups, next="" if page.next is None else group_cursor_text(page.next))


def _people_of(
    key: str, listings: Listings, workspace_id: int, query: ListQuery, selection: ViolationSelection
) -> ViolationPage:
    one_more = replace(query, members=selection.limit + 1)
    group = listings.group(workspace_id, one_more, key, after=person_cursor_of(selection.after))
    if group is None:
        raise no_such_group(key)
    shown = group.members[: selection.limit]
    is_last = len(shown) == len(group.members)
    following = "" if is_last else person_cursor_text(PersonCursor(shown[-1].created_at, shown[-1].cio_id))
    return ViolationPage(groups=[replace(group, members=shown)], next=following)


def no_such_group(key: str) -> NotFound:
    """The error that nobody in a group blocks the migration."""
    return NotFound(f"there is no group {quoted(key)}: use a key of the list without the parameter group")


def _violation(query: Mapping[str, str]) -> Violation | None:
    text = query.get("kind")
    if text is not None and text not in set(Violation):
        raise InvalidInput(f"kind {quoted(text)} is unknown: use one of {', '.join(Violation)}", field="kind")
    return None if text is None else Violation(text)


def _attributes(query: Mapping[str, str]) -> Sequence[str]:
    names = parse_attribute_names(query.get("with", ""), field="with")
    if len(names) > MAX_ATTRIBUTES:
        message = f"with has {len(names)} attributes, {MAX_ATTRIBUTES} are allowed: remove some"
        raise InvalidInput(message, field="with")
    return names
