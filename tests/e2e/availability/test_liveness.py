"""The process answers for itself, whatever its store is doing."""

import sqlite3
import time

from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.waiting import wait_until


def is_alive_soon(env: NamespaceEnv) -> bool:
    time.sleep(0.05)
    return env.operator.is_alive(within=1)


def test_slow_store_holds_no_probe_up(env: NamespaceEnv) -> None:
    names = [f"shop-{number}" for number in range(6)]  # more than there are threads for handlers
    for name in names:
        env.apply(name)
        env.wait_until_ready(name)
    with sqlite3.connect(env.operator.database.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        for name in names:
            env.apply(name, color="123456")
        answers = {is_alive_soon(env) for _ in range(40)}
        held = [env.stored(name).settings.color for name in names]
        other.execute("ROLLBACK")
    other.close()
    assert answers == {True}
    assert set(held) == {"6B7280"}
    for name in names:
        env.wait_until_ready(name)


def test_stop_is_quick(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()

    before = time.monotonic()
    code = env.operator.stop()

    assert code == 0
    assert time.monotonic() - before < 5
    env.operator.start()
    wait_until(env.operator.is_alive)
