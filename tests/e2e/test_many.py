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


def all_are_ready(scene: Scene, names: list[str]) -> bool:
    newest = {each["metadata"]["name"]: each for each in scene.recorder.of(scene.namespace)}
    return newest.keys() == set(names) and all(says(each, "InForce") for each in newest.values())
