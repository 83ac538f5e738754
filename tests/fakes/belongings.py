"""What hangs on people, in memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.memory import Memory, Recorded, Room
from workspace_operator.application.ports import Activity
from workspace_operator.identity.devices import Device
from workspace_operator.identity.trail import ActivityType


@dataclass(frozen=True, slots=True)
class MemoryBelongings:
    """Implements the port ``Belongings``."""

    memory: Memory

    def activities(
        self,
        workspace_id: int,
        *,
        type: ActivityType | None = None,  # noqa: A002 - the port's name
        cio_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[Activity]:
        room = self.memory.rooms.get(workspace_id)
        if room is None:
            return []
        found = [
            each
            for each in reversed(room.activities)
            if type in {None, each.noted.type}
            and cio_id in {None, each.cio_id}
            and (before is None or each.activity_id < before)
        ]
        return [_activity(room, each) for each in found[:limit]]

    def devices(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[Device]]:
        room = self.memory.rooms.get(workspace_id)
        devices = room.devices if room else {}
        return {
            cio_id: tuple(theirs[token] for token in sorted(theirs))
            for cio_id, theirs in devices.items()
            if cio_id in cio_ids and theirs
        }

    def members(self, workspace_id: int, segment: int) -> Iterator[str]:
        room = self.memory.rooms.get(workspace_id)
        segments = room.segments if room else {}
        return iter(sorted(cio_id for cio_id, numbers in segments.items() if segment in numbers))

    def segments(self, workspace_id: int, cio_id: str) -> Sequence[int]:
        room = self.memory.rooms.get(workspace_id)
        return tuple(sorted(room.segments.get(cio_id, ()))) if room else ()

    def forget_activities(self, *, before: datetime, size: int) -> int:
        old = f"{int(before.timestamp() * 1000):012x}"
        forgotten = 0
        for room in self.memory.rooms.values():
            theirs = [each for each in room.activities if each.activity_id < old][: size - forgotten]
            room.activities = [each for each in room.activities if each not in theirs]
            forgotten += len(theirs)
        return forgotten


def _activity(room: Room, recorded: Recorded) -> Activity:
    person = None if recorded.cio_id is None else room.population.people.get(recorded.cio_id)
    return Activity(
        activity_id=recorded.activity_id,
        type=recorded.noted.type,
        at=recorded.noted.at,
        cio_id=recorded.cio_id,
        id=None if person is None else person.id,
        email=None if person is None else person.email,
        name=recorded.noted.name,
        anonymous_id=recorded.noted.anonymous_id,
        data=recorded.noted.data,
    )
