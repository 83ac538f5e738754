"""People who are merged and parted again, with short words for that and for what hangs on them."""

from collections.abc import Sequence

from tests.store.scenes import Scene
from workspace_operator.application.ports import Merge, Undone
from workspace_operator.identity.calls import MergeCall
from workspace_operator.identity.devices import Device
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.trail import ActivityType, Noted, Step


def person(scene: Scene, cio_id: str) -> Person:
    found = scene.find(cio_id=cio_id)
    assert found is not None
    return found


def merge(scene: Scene, primary: str, secondary: str) -> Merge:
    """Merge two people on request; what the journal has of it."""
    call = MergeCall(primary=scene.reference(cio_id=primary), secondary=scene.reference(cio_id=secondary))
    [outcome] = scene.perform(call)
    assert isinstance(outcome, Outcome)
    assert outcome.effect is Effect.MERGED
    return scene.store.merges.merges(scene.workspace_id, limit=1)[0]


def undo(scene: Scene, merge: Merge) -> Undone:
    return scene.store.merges.undo(scene.workspace_id, merge.merge_id, now=int(scene.store.clock().timestamp()))


def leave(scene: Scene, *steps: Step) -> None:
    scene.store.leave(scene.workspace_id, steps)


def event(cio_id: str, name: str) -> Noted:
    return Noted(type=ActivityType.EVENT, cio_id=cio_id, at=1, name=name, data={})


def device(token: str, platform: str = "ios") -> Device:
    return Device(token=token, platform=platform, attributes={})


def events(scene: Scene, cio_id: str) -> list[str]:
    """The names of a person's events, the oldest first."""
    found = scene.store.belongings.activities(scene.workspace_id, type=ActivityType.EVENT, cio_id=cio_id, limit=100)
    return [each.name for each in reversed(found)]


def devices(scene: Scene, cio_id: str) -> Sequence[Device]:
    return scene.store.belongings.devices(scene.workspace_id, [cio_id]).get(cio_id, ())


def segments(scene: Scene, cio_id: str) -> Sequence[int]:
    return scene.store.belongings.segments(scene.workspace_id, cio_id)
