"""Cleaning up on every store: people are read, written down and deleted while the lists of them are being read."""

import io
from collections.abc import Sequence

import pytest

from tests.store.scenes import Scene
from workspace_operator.application.cleaning import Deletion, Doomed, Survey, duplicates, members
from workspace_operator.application.segmenting import SegmentMaking, SegmentRemoval
from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.stages import Stage

CROWD = 4_500
"""More than is read at a time."""


class Lists:
    """An undo file and rejects that nobody reads."""

    def __init__(self) -> None:
        self.people: list[Person] = []

    def write(self, rows: Sequence[object], _action: object = None) -> None:
        self.people += [each for each in rows if isinstance(each, Person)]


def clean(scene: Scene, doomed: Sequence[Doomed]) -> tuple[int, list[Person]]:
    """How many were deleted, and who was written down."""
    survey, undo = Survey(), Lists()
    seen = list(survey.looking_up(scene.store.people, scene.workspace_id, doomed))
    deletion = Deletion(
        people=scene.store.people,
        workspace_id=scene.workspace_id,
        mode=scene.mode,
        attributes=survey.attributes,
        undo=undo,
        clock=lambda: scene.store.clock().timestamp(),
    )
    return deletion.run(iter(seen)).deleted, undo.people


def segment_of(scene: Scene, text: str) -> int:
    making = SegmentMaking(
        people=scene.store.people,
        segments=scene.store.segments,
        workspace_id=scene.workspace_id,
        name="some",
        rejects=Lists(),
        clock=lambda: scene.store.clock().timestamp(),
    )
    number = making.run(io.BytesIO(text.encode())).number
    assert number is not None
    return number


def ids_of(scene: Scene) -> list[str | None]:
    return [each.id for each in scene.store.people.all(scene.workspace_id)]


@pytest.fixture
def crowd(scene: Scene) -> Scene:
    """People of mode IDOnly, of whom three at a time share an address."""
    scene.add_many({str(number): f"m{number // 3}@x.com" for number in range(CROWD)})
    return scene


def test_one_of_each_address_is_kept(crowd: Scene) -> None:
    deleted, undo = clean(crowd, list(duplicates(crowd.store.people, crowd.workspace_id, keep_newest=False)))

    assert deleted == len(undo) == CROWD * 2 // 3
    assert len({each.email_key for each in crowd.store.people.all(crowd.workspace_id)}) == CROWD // 3
    assert len(ids_of(crowd)) == CROWD // 3


def test_crowd_is_deleted_by_its_segment(crowd: Scene) -> None:
    number = segment_of(crowd, "id\n" + "\n".join(str(each) for each in range(1, CROWD)))

    deleted, undo = clean(crowd, list(members(crowd.store.belongings, crowd.workspace_id, number)))

    assert deleted == len(undo) == CROWD - 1
    assert ids_of(crowd) == ["0"]
    assert crowd.store.segments.get(crowd.workspace_id, number).people == 0


def test_crowd_is_taken_out_of_its_segment(crowd: Scene) -> None:
    number = segment_of(crowd, "id\n" + "\n".join(map(str, range(CROWD))))
    removal = SegmentRemoval(
        people=crowd.store.people,
        belongings=crowd.store.belongings,
        segments=crowd.store.segments,
        workspace_id=crowd.workspace_id,
        clock=lambda: crowd.store.clock().timestamp(),
    )

    removal.run(number)

    assert crowd.store.segments.all(crowd.workspace_id) == []
    assert len(ids_of(crowd)) == CROWD


def test_blocked_change_goes_on_when_they_are_gone(scene: Scene) -> None:
    scene.add_many({"1": "a@x.com", "2": "a@x.com", "3": "nonsense", "4": "d@x.com"})
    scene.change_to(Mode.EMAIL_OR_ID)
    blocked = scene.stage
    rows = scene.violations()
    going = [each.cio_id for each in rows if each.id != "1"]
    number = segment_of(scene, "cio_id\n" + "\n".join(going))

    clean(scene, list(members(scene.store.belongings, scene.workspace_id, number)))
    scene.store.clock.forward(10)
    scene.work()

    assert blocked is Stage.BLOCKED
    assert (scene.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    assert ids_of(scene) == ["1", "4"]
