"""Port of the records of people: activities, devices and segment memberships."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.devices import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """An activity as it is read back.

    ``id`` and ``email`` are the current ones of the person; both are None if the person does not exist (any more).
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
    """The records of people besides their attributes: activities, devices, memberships of manual segments."""

    def activities(
        self,
        workspace_id: int,
        *,
        type: ActivityType | None = None,  # noqa: A002 - the wire's word
        cio_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[Activity]:
        """List activities, newest first; ``before`` is an ``activity_id``."""
        ...

    def last_changes(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, int]:
        """When people were last created, changed or merged, in Unix seconds by cio_id.

        People whose last change is older than the activities that are kept are left out.
        """
        ...

    def devices(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[Device]]:
        """The devices of people, by cio_id; those of one person are sorted by token."""
        ...

    def members(self, workspace_id: int, segment: int, *, after: str = "", limit: int | None = None) -> Iterator[str]:
        """Stream the cio_ids in a manual segment, in order, after one of them."""
        ...

    def segments(self, workspace_id: int, cio_id: str) -> Sequence[int]:
        """List the manual segments that contain a person."""
        ...

    def purge_activities(self, *, before: datetime, size: int) -> int:
        """Delete up to ``size`` activities recorded before a time, in any workspace; returns how many."""
        ...
