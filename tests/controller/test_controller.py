"""Who is looked at when: news at once, everything else when it is due, and nothing that is no more."""

from tests.controller.fixtures import ControllerEnv
from tests.fakes.cluster.resources import Document


def test_news_is_reconciled_once(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))

    assert env.reason("shop") == "InForce"


def test_own_echo_is_no_news(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))
    looks = len(env.workspaces.observed)

    env.update(env.resources.get("team-a", "shop"))

    assert len(env.workspaces.observed) == looks


def test_late_word_is_no_news(env: ControllerEnv) -> None:
    old = env.apply("shop", color="111111")
    env.update(env.apply("shop", color="222222"))

    env.update(old)

    (stored,) = env.workspaces.list()
    assert stored.settings.color == "222222"


def test_rest_lasts_until_resync(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))

    assert env.poll_after(599) == []
    assert env.poll_after(2) == ["shop"]


def test_resync_sees_missed_edit(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))
    env.apply("shop", color="222222")

    env.poll_after(601)

    (stored,) = env.workspaces.list()
    assert stored.settings.color == "222222"


def test_resync_forgets_missed_deletion(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))
    env.resources.remove("team-a", "shop")

    assert env.poll_after(601) == []
    assert env.poll_after(601) == []


def test_gone_resource_is_left_alone(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))

    env.controller.on_delete(env.resources.get("team-a", "shop"))

    assert env.poll_after(601) == []


def test_late_farewell_leaves_successor(env: ControllerEnv) -> None:
    old = env.apply("shop", uid="old")
    env.update(old)
    env.resources.remove("team-a", "shop")
    new = env.apply("shop", uid="new")
    new["metadata"]["resourceVersion"] = "1000"
    env.resources.documents["team-a", "shop"] = new
    env.update(new)

    env.controller.on_delete(old)

    assert env.poll_after(601) == ["shop"]


def test_conflict_is_reconciled_when_neighbour_goes(env: ControllerEnv) -> None:
    holder = env.apply("shop")
    env.update(holder)
    env.update(env.apply("twin", displayName="shop"))
    env.resources.remove("team-a", "shop")

    env.controller.on_delete(holder)

    assert env.poll_after(0.1) == ["twin"]


def test_free_name_during_a_reconcile_is_tried_at_the_next_poll(env: ControllerEnv) -> None:
    holder = env.apply("shop")
    env.update(holder)
    env.update(env.apply("twin", displayName="shop"))

    def read(namespace: str, name: str) -> Document:
        env.controller.on_delete(holder)
        return env.resources.get(namespace, name)

    env.controller.read = read
    env.poll_after(60)

    assert env.poll_after(0.1) == ["twin"]


def test_failures_back_off(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))
    env.update(env.apply("twin", displayName="shop"))

    looked_at = [second for second in range(1, 301) if "twin" in env.poll_after(1)]

    assert looked_at == [1, 3, 7, 15, 31, 63, 123, 183, 243]


def test_edit_on_top_is_what_is_carried_out(env: ControllerEnv) -> None:
    document = env.apply("shop", color="111111")
    env.apply("shop", color="222222")

    env.update(document)

    (stored,) = env.workspaces.list()
    assert stored.settings.color == "222222"
    assert [what for what, *_ in env.resources.writes] == ["status"]


def test_store_that_is_back_is_used_at_once(env: ControllerEnv) -> None:
    env.workspaces.away.append(True)
    env.update(env.apply("shop"))
    for _ in range(8):
        env.poll_after(60)
    said_meanwhile = env.reason("shop")

    env.workspaces.away.clear()
    env.poll_after(0.1)

    assert (said_meanwhile, env.reason("shop")) == ("StoreUnavailable", "InForce")


def test_one_that_takes_long_holds_up_nobody(env: ControllerEnv) -> None:
    for name in ("slow", "quick"):
        env.update(env.apply(name))
    env.controller.queue.items["team-a", "slow"].is_running = True

    looked_at = env.poll_after(10_000)

    assert looked_at == ["quick"]


def test_workers_end_when_the_process_stops(env: ControllerEnv) -> None:
    env.controller.on_update(env.apply("shop"))
    env.controller.stop()

    env.controller.run_worker()

    assert env.workspaces.observed == []


def test_ready_only_while_polls_reach_the_store(env: ControllerEnv) -> None:
    answers = [env.controller.is_ready()]
    for is_away in (False, True, False):
        env.workspaces.away[:] = [True] if is_away else []
        env.controller.poll()
        answers.append(env.controller.is_ready())
    env.time += 61

    assert answers == [False, True, False, True]
    assert not env.controller.is_ready()
