"""Manual segments as such, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from workspace_operator.application.ports import Segment
from workspace_operator.errors import NameTaken, NotFound
from workspace_operator.identity.values.segments import MAX_SEGMENT


@dataclass(frozen=True, slots=True)
class FakeSegments:
    """Implements the port ``Segments``."""

    memory: InMemoryDatabase

    def create(self, workspace_id: int, name: str, *, now: datetime) -> int:
        state = self.memory.state(workspace_id)
        holder = _holder_of(state, name)
        if holder is not None:
            raise NameTaken(
                f"segment {holder} already has the name {name!r}: choose another one, or delete that segment"
            )
        used = _used(state)
        highest = max(used, default=0)
        free = highest + 1 if highest < MAX_SEGMENT else next(each for each in count(1) if each not in used)
        state.named_segments[free] = (name, now)
        return free

    def all(self, workspace_id: int) -> Sequence[Segment]:
        state = self.memory.states.get(workspace_id)
        return [_segment(state, number) for number in sorted(_used(state))] if state else []

    def page(self, workspace_id: int, *, after: int, limit: int, count_limit: int) -> Sequence[Segment]:
        following = [segment for segment in self.all(workspace_id) if segment.number > after][:limit]
        return [replace(segment, people=min(segment.people, count_limit)) for segment in following]

    def get(self, workspace_id: int, number: int) -> Segment:
        state = self.memory.states.get(workspace_id)
        if state is None or number not in _used(state):
            raise NotFound(f"there is no segment {number}: it has no name and no members")
        return _segment(state, number)

    def names(self, workspace_id: int, numbers: Collection[int]) -> Mapping[int, str]:
        state = self.memory.states.get(workspace_id)
        named = state.named_segments if state else {}
        return {number: name for number, (name, _) in named.items() if number in numbers}

    def find_by_name(self, workspace_id: int, name: str) -> int:
        state = self.memory.states.get(workspace_id)
        number = None if state is None else _holder_of(state, name)
        if number is None:
            raise NotFound(f"there is no segment {name!r}: `workspacectl segments list` lists them")
        return number

    def remove(self, workspace_id: int, number: int) -> None:
        state = self.memory.states.get(workspace_id)
        if state is not None:
            state.named_segments.pop(number, None)


def _holder_of(state: WorkspaceState, name: str) -> int | None:
    return next((number for number, (taken, _) in state.named_segments.items() if taken == name), None)


def _used(state: WorkspaceState) -> set[int]:
    return {*state.named_segments, *(number for theirs in state.segments.values() for number in theirs)}


def _segment(state: WorkspaceState, number: int) -> Segment:
    name, created_at = state.named_segments.get(number, (None, None))
    people = sum(number in theirs for theirs in state.segments.values())
    return Segment(number=number, name=name, created_at=created_at, people=people)
