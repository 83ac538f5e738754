"""What happened, by whose it is now."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from tests.model.reference.records import Activity
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.tracked_events import TrackedEvent


class Activities:
    """Everything that is remembered; those of nobody known are under None."""

    def __init__(self) -> None:
        self.by_whom: dict[str | None, list[Activity]] = defaultdict(list)
        self.event_ids: set[str] = set()

    def note(self, type_: ActivityType, cio_id: str | None, now: int, data: Mapping[str, Any] | None = None) -> None:
        self.by_whom[cio_id].append(Activity(type=type_, origin=cio_id, at=now, data=data or {}))

    def log_event(self, cio_id: str | None, event: TrackedEvent, now: int, *, anonymous_id: str | None = None) -> None:
        """An event with an id that was seen before is not taken twice."""
        if event.id in self.event_ids:
            return
        if event.id is not None:
            self.event_ids.add(event.id)
        activity = Activity(
            type=ActivityType(event.type),
            origin=cio_id,
            at=now if event.timestamp is None else event.timestamp,
            name=event.name,
            event_id=event.id,
            anonymous_id=anonymous_id,
            data=event.data,
        )
        self.by_whom[cio_id].append(activity)

    def link_anonymous(self, anonymous_id: str, cio_id: str) -> None:
        """What was done under an anonymous id was done by somebody who is known now."""
        unknown, self.by_whom[None] = self.by_whom[None], []
        for each in unknown:
            if each.anonymous_id == anonymous_id:
                self.by_whom[cio_id].append(replace(each, origin=cio_id))
            else:
                self.by_whom[None].append(each)

    def delete_person(self, cio_id: str) -> None:
        """Ids of events that went may be seen again."""
        self.event_ids -= {each.event_id for each in self.by_whom.pop(cio_id, ()) if each.event_id}

    def move(self, cio_id: str, to: str, *, of: Collection[str] | None = None) -> None:
        """Make somebody's activities somebody else's; all, or those that were of certain people at first."""
        theirs = self.by_whom.pop(cio_id, [])
        self.by_whom[to] += [each for each in theirs if of is None or each.origin in of]
        if of is not None:
            self.by_whom[cio_id] = [each for each in theirs if each.origin not in of]
