"""What hangs on people."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.devices import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Something that happened, as it is read back.

    ``id`` and ``email`` are the person's of now; both are None if there is no such person (any more).
    """

    activity_id: str
    type: ActivityType
    at: int
    cio_id: str | None
    id: str | None
    email: str | None
    name: str
    anonymous_id: str | None
    data: Mapping[str, Any]


class PersonRecords(Protocol):
    """What hangs on people beside their attributes: activities, devices, memberships of manual segments."""

    def activities(
        self,
        workspace_id: int,
        *,
        type: ActivityType | None = None,  # noqa: A002 - the wire's word
        cio_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[Activity]:
        """List activities, newest first, those before an ``activity_id``."""
        ...

    def devices(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[Device]]:
        """Tell the devices of people, by cio_id, each person's by token."""
        ...

    def members(self, workspace_id: int, segment: int) -> Iterator[str]:
        """Stream the cio_ids in a manual segment, in order."""
        ...

    def segments(self, workspace_id: int, cio_id: str) -> Sequence[int]:
        """Tell the manual segments that a person is in."""
        ...

    def purge_activities(self, *, before: datetime, size: int) -> int:
        """Remove up to ``size`` activities that were recorded before then, in any workspace; tells how many."""
        ...
