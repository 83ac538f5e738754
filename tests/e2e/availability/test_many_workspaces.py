"""Many workspaces at once."""

import json

from tests.e2e.fixtures import NamespaceEnv, has_reason, manifest
from tests.e2e.waiting import wait_until

COUNT = 100
STORM = 400
"""So many that the operator is not done with them while this process waits for a processor."""


def test_hundred_workspaces_become_ready(env: NamespaceEnv) -> None:
    names = [f"shop-{number}" for number in range(COUNT)]
    items = [manifest(name, env.namespace) for name in names]

    env.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    wait_until(lambda: all_are_ready(env, names), within=60)
    assert env.stored_names() == sorted(names)


def test_ending_in_a_storm_is_quiet(env: NamespaceEnv) -> None:
    """While hundreds of resources wait for their first reconcile, SIGTERM is no reason for warnings."""
    items = [manifest(f"shop-{number}", env.namespace) for number in range(STORM)]
    env.operator.stop()
    env.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    env.operator.start()
    wait_until(lambda: len(env.stored_names()) >= 3)
    before = len(env.operator.log.read_text())

    assert env.operator.stop() == 0

    lines = env.operator.log.read_text()[before:].splitlines()
    assert len(env.stored_names()) < STORM, "the storm was over before the end"
    assert [line for line in lines if " WARNING " in line or " ERROR " in line] == []
    assert max(map(len, lines), default=0) < 500
    env.operator.start()


def all_are_ready(env: NamespaceEnv, names: list[str]) -> bool:
    newest = {each["metadata"]["name"]: each for each in env.recorder.of(env.namespace)}
    return newest.keys() == set(names) and all(has_reason(each, "InForce") for each in newest.values())
