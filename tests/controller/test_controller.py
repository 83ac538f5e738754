"""Who is looked at when: news at once, everything else when it is due, and nothing that is no more."""

import pytest

from tests.controller.scenes import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_news_is_looked_at_once(scene: Scene) -> None:
    scene.heard(scene.apply("shop"))

    assert scene.reason("shop") == "InForce"


def test_own_echo_is_no_news(scene: Scene) -> None:
    scene.heard(scene.apply("shop"))
    looks = len(scene.workspaces.looks)

    scene.heard(scene.resources.get("team-a", "shop"))

    assert len(scene.workspaces.looks) == looks


def test_late_word_is_no_news(scene: Scene) -> None:
    old = scene.apply("shop", color="111111")
    scene.heard(scene.apply("shop", color="222222"))

    scene.heard(old)

    (stored,) = scene.workspaces.list()
    assert stored.settings.color == "222222"


def test_rest_lasts_until_resync(scene: Scene) -> None:
    scene.heard(scene.apply("shop"))

    assert scene.sweep_after(599) == []
    assert scene.sweep_after(2) == ["shop"]


def test_resync_sees_missed_edit(scene: Scene) -> None:
    scene.heard(scene.apply("shop"))
    scene.apply("shop", color="222222")

    scene.sweep_after(601)

    (stored,) = scene.workspaces.list()
    assert stored.settings.color == "222222"


def test_resync_forgets_missed_deletion(scene: Scene) -> None:
    scene.heard(scene.apply("shop"))
    scene.resources.remove("team-a", "shop")

    assert scene.sweep_after(601) == []
    assert scene.sweep_after(601) == []


def test_gone_resource_is_left_alone(scene: Scene) -> None:
    scene.heard(scene.apply("shop"))

    scene.controller.on_delete(scene.resources.get("team-a", "shop"))

    assert scene.sweep_after(601) == []


def test_late_farewell_leaves_successor(scene: Scene) -> None:
    old = scene.apply("shop", uid="old")
    scene.heard(old)
    scene.resources.remove("team-a", "shop")
    new = scene.apply("shop", uid="new")
    new["metadata"]["resourceVersion"] = "1000"
    scene.resources.documents["team-a", "shop"] = new
    scene.heard(new)

    scene.controller.on_delete(old)

    assert scene.sweep_after(601) == ["shop"]


def test_conflict_is_looked_at_when_neighbour_goes(scene: Scene) -> None:
    holder = scene.apply("shop")
    scene.heard(holder)
    scene.heard(scene.apply("twin", displayName="shop"))
    scene.resources.remove("team-a", "shop")

    scene.controller.on_delete(holder)

    assert scene.sweep_after(0.1) == ["twin"]


def test_fruitless_looks_grow_rare(scene: Scene) -> None:
    scene.heard(scene.apply("shop"))
    scene.heard(scene.apply("twin", displayName="shop"))

    looked_at = [second for second in range(1, 301) if "twin" in scene.sweep_after(1)]

    assert looked_at == [1, 3, 7, 15, 31, 63, 123, 183, 243]


def test_edit_on_top_is_what_is_carried_out(scene: Scene) -> None:
    heard = scene.apply("shop", color="111111")
    scene.apply("shop", color="222222")

    scene.heard(heard)

    (stored,) = scene.workspaces.list()
    assert stored.settings.color == "222222"
    assert [what for what, *_ in scene.resources.writes] == ["status"]


def test_store_that_is_back_is_used_at_once(scene: Scene) -> None:
    scene.workspaces.away.append(True)
    scene.heard(scene.apply("shop"))
    for _ in range(8):
        scene.sweep_after(60)
    said_meanwhile = scene.reason("shop")

    scene.workspaces.away.clear()
    scene.sweep_after(0.1)

    assert (said_meanwhile, scene.reason("shop")) == ("StoreUnavailable", "InForce")


def test_one_that_takes_long_holds_up_nobody(scene: Scene) -> None:
    for name in ("slow", "quick"):
        scene.heard(scene.apply(name))
    scene.controller._items["team-a", "slow"].is_running = True

    looked_at = scene.sweep_after(10_000)

    assert looked_at == ["quick"]


def test_workers_end_when_the_process_stops(scene: Scene) -> None:
    scene.controller.on_update(scene.apply("shop"))
    scene.controller.stop()

    scene.controller.run_worker()

    assert scene.workspaces.looks == []


def test_ready_only_while_sweeps_reach_the_store(scene: Scene) -> None:
    answers = [scene.controller.is_ready()]
    for is_away in (False, True, False):
        scene.workspaces.away[:] = [True] if is_away else []
        scene.controller.resync()
        answers.append(scene.controller.is_ready())
    scene.time += 61

    assert answers == [False, True, False, True]
    assert not scene.controller.is_ready()
