"""Many workspaces at once."""

import json

from tests.e2e.scenes import Scene, manifest, says
from tests.e2e.waiting import until

COUNT = 100


def test_hundred_workspaces_become_ready(scene: Scene) -> None:
    names = [f"shop-{number}" for number in range(COUNT)]
    items = [manifest(name, scene.namespace) for name in names]

    scene.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    until(lambda: all_are_ready(scene, names), within=60)
    assert scene.stored_names() == sorted(names)


def test_ending_in_a_storm_is_quiet(scene: Scene) -> None:
    """While a hundred resources wait for their first visit, SIGTERM is no reason for warnings (field case K10)."""
    items = [manifest(f"shop-{number}", scene.namespace) for number in range(COUNT)]
    scene.operator.stop()
    scene.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    scene.operator.start()
    until(lambda: len(scene.stored_names()) >= 3)
    before = len(scene.operator.log.read_text())

    assert scene.operator.stop() == 0

    lines = scene.operator.log.read_text()[before:].splitlines()
    assert len(scene.stored_names()) < COUNT, "the storm was over before the end"
    assert [line for line in lines if " WARNING " in line or " ERROR " in line] == []
    assert max(map(len, lines), default=0) < 500
    scene.operator.start()


def all_are_ready(scene: Scene, names: list[str]) -> bool:
    newest = {each["metadata"]["name"]: each for each in scene.recorder.of(scene.namespace)}
    return newest.keys() == set(names) and all(says(each, "InForce") for each in newest.values())
