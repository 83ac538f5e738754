"""kill -9 of the operator at any moment leaves nothing half done, and the next one goes on."""

import os
import random
import time
from typing import Any

import pytest

from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.operators import Operator
from tests.store.invariants import assert_sound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database

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


def assert_store_is_sound(env: NamespaceEnv, *, at_rest: bool) -> None:
    database = Database(env.operator.database)
    try:
        assert_sound(database, at_rest=at_rest)
    finally:
        database.close()


def test_killed_creation_is_made_once(env: NamespaceEnv, moments: random.Random) -> None:
    for run in range(RUNS):
        env.apply(f"shop-{run}")
        kill_within(env.operator, 0.3, moments)
        env.operator.start()

        env.wait_until_ready(f"shop-{run}")

    assert env.stored_names() == sorted(f"shop-{run}" for run in range(RUNS))


def test_killed_change_of_settings_is_whole(env: NamespaceEnv, moments: random.Random) -> None:
    env.apply(**OLD)
    env.wait_until_ready()
    whole = [env.stored().settings]
    env.apply(**NEW)
    env.wait_until_ready()
    whole.append(env.stored().settings)
    for run in range(RUNS):
        env.apply(**(OLD, NEW)[run % 2])
        kill_within(env.operator, 0.3, moments)

        assert env.stored().settings in whole
        env.operator.start()
        env.wait_until_ready()
        assert env.stored().settings == whole[run % 2]


def test_killed_migration_continues(env: NamespaceEnv, moments: random.Random) -> None:
    env.apply(identifiers={"mode": "IDOnly"})
    env.wait_until_ready()
    env.import_people(PEOPLE)
    for run in range(CHANGES):
        wanted = (Mode.EMAIL_OR_ID, Mode.ID_ONLY)[run % 2]
        env.apply(identifiers={"mode": wanted.value})
        kill_within(env.operator, 1.5, moments)

        assert_store_is_sound(env, at_rest=False)
        env.operator.start()
        document = env.wait_until_ready(within=90)
        assert document["status"]["identifiers"]["mode"] == env.stored().mode == wanted
        assert document["status"]["people"]["total"] == len(PEOPLE)
    assert_store_is_sound(env, at_rest=True)
