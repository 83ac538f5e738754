"""kill -9 of the operator at any moment leaves nothing half done, and the next one goes on."""

import os
import random
import time
from typing import Any

import pytest

from tests.e2e.operators import Operator
from tests.e2e.scenes import Scene
from tests.store.invariants import assert_sound
from workspace_operator.identity.rules import Mode
from workspace_operator.store.engines import Database

SEED = 20260501
IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
RUNS = 40 if IS_PROOF else 3
CHANGES = 40 if IS_PROOF else 1  # each may have to wait for the lease of the dead one to end: a minute
PEOPLE = [(str(number), f"{number}@example.com") for number in range(2000)]

OLD: dict[str, Any] = {"color": "111111", "openTracking": "Enabled", "sendBehavior": {"mode": "Normal"}}
NEW: dict[str, Any] = {"color": "222222", "openTracking": "Disabled", "sendBehavior": {"mode": "Never"}}


@pytest.fixture
def moments() -> random.Random:
    return random.Random(SEED)


def kill_within(operator: Operator, seconds: float, moments: random.Random) -> None:
    """The moment itself is what is tried here."""
    time.sleep(moments.uniform(0, seconds))
    operator.kill()


def assert_store_is_sound(scene: Scene, *, at_rest: bool) -> None:
    database = Database(scene.operator.database)
    try:
        assert_sound(database, at_rest=at_rest)
    finally:
        database.close()


def test_killed_creation_is_made_once(scene: Scene, moments: random.Random) -> None:
    for run in range(RUNS):
        scene.apply(f"shop-{run}")
        kill_within(scene.operator, 0.3, moments)
        scene.operator.start()

        scene.until_ready(f"shop-{run}")

    assert scene.stored_names() == sorted(f"shop-{run}" for run in range(RUNS))


def test_killed_change_of_settings_is_whole(scene: Scene, moments: random.Random) -> None:
    scene.apply(**OLD)
    scene.until_ready()
    whole = [scene.stored().settings]
    scene.apply(**NEW)
    scene.until_ready()
    whole.append(scene.stored().settings)
    for run in range(RUNS):
        scene.apply(**(OLD, NEW)[run % 2])
        kill_within(scene.operator, 0.3, moments)

        assert scene.stored().settings in whole
        scene.operator.start()
        scene.until_ready()
        assert scene.stored().settings == whole[run % 2]


def test_killed_identifier_change_goes_on(scene: Scene, moments: random.Random) -> None:
    scene.apply(identifiers={"mode": "IDOnly"})
    scene.until_ready()
    scene.import_people(PEOPLE)
    for run in range(CHANGES):
        wanted = (Mode.EMAIL_OR_ID, Mode.ID_ONLY)[run % 2]
        scene.apply(identifiers={"mode": wanted.value})
        kill_within(scene.operator, 1.5, moments)

        assert_store_is_sound(scene, at_rest=False)
        scene.operator.start()
        document = scene.until_ready(within=90)
        assert document["status"]["identifiers"]["mode"] == scene.stored().mode == wanted
        assert document["status"]["people"]["total"] == len(PEOPLE)
    assert_store_is_sound(scene, at_rest=True)
