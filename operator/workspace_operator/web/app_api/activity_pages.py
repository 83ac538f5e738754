"""Pages of activities, as ``GET /v1/activities`` selects them (track-api.md §2)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from workspace_operator.application.ports import Activity, PersonRecords
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.booleans import boolean_of
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, check_text, quoted

ACTIVITY_PARAMETERS: Final = ("type", "name", "deleted", "customer_id", "id_type", "start", "limit")

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 10

MAX_EXAMINED: Final = 10_000
"""Maximum number of activities that a request examines for a filter without an index.

The next page continues there. An index of names would slow down every write of an activity, for a rare query.
"""

_BATCH_SIZE: Final = 1_000

_CHANGES: Final = frozenset({ActivityType.ATTRIBUTE_CHANGE, ActivityType.FAILED_ATTRIBUTE_CHANGE})
_is_type = re.compile(r"[a-z][a-z_]{0,99}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityQuery:
    """A query for activities.

    Attributes:
        types: the types that can match; None is every type.
        name: the name of an event, or of a changed attribute or identifier; None for all.
        includes_deletions: whether deletions of people can match.
        cio_id: the person; None for all people, empty for none.
        start: id of the activity before which the page begins; None for the newest.
    """

    types: frozenset[ActivityType] | None
    name: str | None
    includes_deletions: bool
    cio_id: str | None
    start: str | None
    limit: int

    @classmethod
    def from_query(cls, query: Mapping[str, str], *, cio_id: str | None) -> Self:
        """Read the parameters of a request. Raises InvalidInput."""
        types, deleted = _types(query), _deleted(query)
        deletions = frozenset({ActivityType.PROFILE_DELETE})
        if deleted:
            types = deletions if types is None else types & deletions
        if deleted is False and types is not None:
            types -= deletions
        return cls(
            types=types,
            name=query.get("name"),
            includes_deletions=deleted is not False,
            cio_id=cio_id,
            start=_start(query),
            limit=_limit(query),
        )

    @property
    def type(self) -> ActivityType | None:
        """The one type that can match, if there is only one."""
        return next(iter(self.types)) if self.types is not None and len(self.types) == 1 else None

    @property
    def is_indexed(self) -> bool:
        """Whether an index finds exactly the matching activities."""
        return self.name is None and self.includes_deletions

    def matches(self, activity: Activity) -> bool:
        """Whether an activity of these types and this person matches the other filters."""
        if not self.includes_deletions and activity.type is ActivityType.PROFILE_DELETE:
            return False
        if self.name is None:
            return True
        return self.name in activity.data if activity.type in _CHANGES else self.name == activity.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """Activities, newest first, and the start of the next page, which is empty on the last page."""

    activities: Sequence[Activity]
    next: str


def read_page(person_records: PersonRecords, workspace_id: int, query: ActivityQuery) -> ActivityPage:
    """Read a page. It can be short or empty, and still have a next page."""
    if query.types is not None and not query.types:
        return ActivityPage(activities=(), next="")
    page: list[Activity] = []
    examined = ""
    for number, activity in enumerate(_iter_newest(person_records, workspace_id, query), start=1):
        if len(page) == query.limit or number > MAX_EXAMINED:
            return ActivityPage(activities=page, next=examined)
        examined = activity.activity_id
        if query.matches(activity):
            page.append(activity)
    return ActivityPage(activities=page, next="")


def _iter_newest(person_records: PersonRecords, workspace_id: int, query: ActivityQuery) -> Iterator[Activity]:
    """Iterate over the activities of the type and person, newest first, in batches on demand."""
    size = query.limit + 1 if query.is_indexed else _BATCH_SIZE
    before = query.start
    while True:
        found = person_records.activities(workspace_id, type=query.type, cio_id=query.cio_id, before=before, limit=size)
        yield from found
        if len(found) < size:
            return
        before = found[-1].activity_id


def _types(query: Mapping[str, str]) -> frozenset[ActivityType] | None:
    """Read the type; the vendor has more types, and those match nothing."""
    text = query.get("type")
    if text is None:
        return None
    if not _is_type(text):
        known = ", ".join(ActivityType)
        raise InvalidInput(f"type {quoted(text)} is not a type of activity: use one of {known}", field="type")
    return frozenset(activity_type for activity_type in ActivityType if activity_type.value == text)


def _deleted(query: Mapping[str, str]) -> bool | None:
    text = query.get("deleted")
    deleted = boolean_of(text)
    if text is not None and deleted is None:
        raise InvalidInput(f"deleted {quoted(text)} must be true or false", field="deleted")
    return deleted


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_PAGE))
    limit = int(text) if len(text) <= len(str(MAX_PAGE)) and text.isascii() and text.isdigit() else 0
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"limit {quoted(text)} must be a number from 1 to {MAX_PAGE}", field="limit")
    return limit


def _start(query: Mapping[str, str]) -> str | None:
    text = query.get("start", "")
    check_text(text, field="start", limit=MAX_ID_BYTES)
    return text or None
