"""What hangs on people, in memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.database import InMemoryDatabase, StoredActivity, WorkspaceState
from workspace_operator.application.ports import Activity
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.devices import Device


@dataclass(frozen=True, slots=True)
class FakeActivities:
    """Implements the port ``PersonRecords``."""

    memory: InMemoryDatabase

    def activities(
        self,
        workspace_id: int,
        *,
        type: ActivityType | None = None,  # noqa: A002 - the port's name
        cio_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[Activity]:
        state = self.memory.states.get(workspace_id)
        if state is None:
            return []
        found = [
            each
            for each in reversed(state.activities)
            if type in {None, each.activity.type}
            and cio_id in {None, each.cio_id}
            and (before is None or each.activity_id < before)
        ]
        return [_activity(state, each) for each in found[:limit]]

    def last_changes(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, int]:
        types = (ActivityType.ATTRIBUTE_CHANGE, ActivityType.PROFILE_CREATE, ActivityType.PROFILE_MERGE)
        found: dict[str, int] = {}
        for each in self.memory.state(workspace_id).activities:
            if each.cio_id is not None and each.cio_id in cio_ids and each.activity.type in types:
                found[each.cio_id] = max(each.activity.at, found.get(each.cio_id, 0))
        return found

    def devices(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[Device]]:
        state = self.memory.states.get(workspace_id)
        devices = state.devices if state else {}
        return {
            cio_id: tuple(theirs[token] for token in sorted(theirs))
            for cio_id, theirs in devices.items()
            if cio_id in cio_ids and theirs
        }

    def members(self, workspace_id: int, segment: int, *, after: str = "", limit: int | None = None) -> Iterator[str]:
        state = self.memory.states.get(workspace_id)
        segments = state.segments if state else {}
        found = (cio_id for cio_id, numbers in segments.items() if segment in numbers and cio_id > after)
        return iter(sorted(found)[:limit])

    def segments(self, workspace_id: int, cio_id: str) -> Sequence[int]:
        state = self.memory.states.get(workspace_id)
        return tuple(sorted(state.segments.get(cio_id, ()))) if state else ()

    def purge_activities(self, *, before: datetime, size: int) -> int:
        old = f"{int(before.timestamp() * 1000):012x}"
        forgotten = 0
        for state in self.memory.states.values():
            theirs = [each for each in state.activities if each.activity_id < old][: size - forgotten]
            state.activities = [each for each in state.activities if each not in theirs]
            forgotten += len(theirs)
        return forgotten


def _activity(state: WorkspaceState, recorded: StoredActivity) -> Activity:
    person = None if recorded.cio_id is None else state.working_set.people.get(recorded.cio_id)
    return Activity(
        activity_id=recorded.activity_id,
        type=recorded.activity.type,
        at=recorded.activity.at,
        cio_id=recorded.cio_id,
        id=None if person is None else person.id,
        email=None if person is None else person.email,
        name=recorded.activity.name,
        anonymous_id=recorded.activity.anonymous_id,
        data=recorded.activity.data,
    )
