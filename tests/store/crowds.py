"""People who share addresses, and a change that makes one of them."""

from tests.store.invariants import assert_sound
from tests.store.scenes import Scene, begun, prepare, settle, switch
from workspace_operator.application.ports import Lease
from workspace_operator.migrations.records import OnConflict
from workspace_operator.migrations.stages import Stage

ANN, BEN = "ann@example.com", "ben@example.com"


def crowd_in(scene: Scene) -> dict[str, str]:
    """Three who share Ann's address, two who share Ben's, and one by themselves; cio_ids by id."""
    people = {"1": ANN, "2": "ANN@example.com", "3": ANN, "4": BEN, "5": BEN, "6": "cy@example.com"}
    crowd = {}
    for id_, email in people.items():
        crowd[id_] = scene.add(id_, email, number=id_)
        scene.store.clock.forward(1)
    return crowd


def switched(scene: Scene) -> Lease:
    """A change that merges, whose worker has switched and folded nobody yet."""
    scene.request(on_conflict=OnConflict.MERGE)
    lease = begun(scene)
    prepare(scene, lease)
    settle(scene, lease)
    assert switch(scene, lease).stage is Stage.SWITCHED
    scene.store.clock.forward(1)
    return lease


def finish(scene: Scene, lease: Lease) -> None:
    scene.finish(lease)
    assert scene.stage is Stage.COMPLETED
    if scene.store.database is not None:
        assert_sound(scene.store.database)


def everybody(scene: Scene) -> dict[str, str | None]:
    """Ids by cio_id."""
    return {each.cio_id: each.id for each in scene.store.people.all(scene.workspace_id)}


def cio_id_of(scene: Scene, id_: str) -> str:
    found = scene.find(id=id_)
    assert found is not None
    return found.cio_id
