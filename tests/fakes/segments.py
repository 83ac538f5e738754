"""Manual segments as such, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from tests.fakes.memory import Memory, Room
from workspace_operator.application.ports import Segment
from workspace_operator.errors import NameTaken, NotFound
from workspace_operator.identity.segments import MAX_SEGMENT


@dataclass(frozen=True, slots=True)
class MemorySegments:
    """Implements the port ``Segments``."""

    memory: Memory

    def create(self, workspace_id: int, name: str, *, now: datetime) -> int:
        room = self.memory.room(workspace_id)
        holder = _holder_of(room, name)
        if holder is not None:
            raise NameTaken(
                f"segment {holder} is called {name!r} already: choose another name, or delete that one first"
            )
        used = _used(room)
        highest = max(used, default=0)
        free = highest + 1 if highest < MAX_SEGMENT else next(each for each in count(1) if each not in used)
        room.named_segments[free] = (name, now)
        return free

    def all(self, workspace_id: int) -> Sequence[Segment]:
        room = self.memory.rooms.get(workspace_id)
        return [_segment(room, number) for number in sorted(_used(room))] if room else []

    def get(self, workspace_id: int, number: int) -> Segment:
        room = self.memory.rooms.get(workspace_id)
        if room is None or number not in _used(room):
            raise NotFound(f"there is no segment {number}: it has no name, and nobody is in it")
        return _segment(room, number)

    def named(self, workspace_id: int, name: str) -> int:
        room = self.memory.rooms.get(workspace_id)
        number = None if room is None else _holder_of(room, name)
        if number is None:
            raise NotFound(f"there is no segment {name!r}: `workspacectl segments list` lists them")
        return number

    def remove(self, workspace_id: int, number: int) -> None:
        room = self.memory.rooms.get(workspace_id)
        if room is not None:
            room.named_segments.pop(number, None)


def _holder_of(room: Room, name: str) -> int | None:
    return next((number for number, (taken, _) in room.named_segments.items() if taken == name), None)


def _used(room: Room) -> set[int]:
    return {*room.named_segments, *(number for theirs in room.segments.values() for number in theirs)}


def _segment(room: Room, number: int) -> Segment:
    name, created_at = room.named_segments.get(number, (None, None))
    people = sum(number in theirs for theirs in room.segments.values())
    return Segment(number=number, name=name, created_at=created_at, people=people)
