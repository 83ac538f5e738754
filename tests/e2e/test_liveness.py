"""The process answers for itself, whatever its store is doing."""

import sqlite3
import time

from tests.e2e.scenes import Scene
from tests.e2e.waiting import until


def is_alive_soon(scene: Scene) -> bool:
    time.sleep(0.05)
    return scene.operator.is_alive(within=1)


def test_slow_store_holds_no_probe_up(scene: Scene) -> None:
    names = [f"shop-{number}" for number in range(6)]  # more than there are threads for handlers
    for name in names:
        scene.apply(name)
        scene.until_ready(name)
    with sqlite3.connect(scene.operator.database.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        for name in names:
            scene.apply(name, color="123456")
        answers = {is_alive_soon(scene) for _ in range(40)}
        held = [scene.stored(name).settings.color for name in names]
        other.execute("ROLLBACK")
    other.close()
    assert answers == {True}
    assert set(held) == {"6B7280"}
    for name in names:
        scene.until_ready(name)


def test_stop_is_quick(scene: Scene) -> None:
    scene.apply()
    scene.until_ready()

    before = time.monotonic()
    code = scene.operator.stop()

    assert code == 0
    assert time.monotonic() - before < 5
    scene.operator.start()
    until(scene.operator.is_alive)
