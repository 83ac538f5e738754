"""Builders for merges and unmerges of people, and for their records."""

from collections.abc import Sequence

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import Merge, UndoResult
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType, PersonEvent
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.devices import Device


def person(env: WorkspaceEnv, cio_id: str) -> Person:
    found = env.find(cio_id=cio_id)
    assert found is not None
    return found


def merge(env: WorkspaceEnv, primary: str, secondary: str) -> Merge:
    """Merge two people on request; return the journal entry."""
    call = MergePeople(primary=env.reference(cio_id=primary), secondary=env.reference(cio_id=secondary))
    [outcome] = env.perform(call)
    assert isinstance(outcome, CommandResult)
    assert outcome.effect is Effect.MERGED
    return env.store.merges.merges(env.workspace_id, limit=1)[0]


def undo(env: WorkspaceEnv, merge: Merge) -> UndoResult:
    return env.store.merges.undo(env.workspace_id, merge.merge_id, now=int(env.store.clock().timestamp()))


def append_events(env: WorkspaceEnv, *steps: PersonEvent) -> None:
    env.store.append_events(env.workspace_id, steps)


def event(cio_id: str, name: str) -> ActivityLogged:
    return ActivityLogged(type=ActivityType.EVENT, cio_id=cio_id, at=1, name=name, data={})


def device(token: str, platform: str = "ios") -> Device:
    return Device(token=token, platform=platform, attributes={})


def events(env: WorkspaceEnv, cio_id: str) -> list[str]:
    """The names of a person's events, oldest first."""
    found = env.store.person_records.activities(env.workspace_id, type=ActivityType.EVENT, cio_id=cio_id, limit=100)
    return [each.name for each in reversed(found)]


def devices(env: WorkspaceEnv, cio_id: str) -> Sequence[Device]:
    return env.store.person_records.devices(env.workspace_id, [cio_id]).get(cio_id, ())


def segments(env: WorkspaceEnv, cio_id: str) -> Sequence[int]:
    return env.store.person_records.segments(env.workspace_id, cio_id)
