"""The resources on which a person must act, as the heartbeat has them."""

from tests.controller.fixtures import ControllerEnv
from tests.controller.test_exchanged_databases import Clusters
from tests.fakes.database import InMemoryDatabase
from workspace_operator.application.status import stalled
from workspace_operator.application.status.stalled import MAX_NAMES, stalled_resources


def test_ready_resources_are_not_among_them(env: ControllerEnv) -> None:
    env.update(env.apply("shop"))

    assert stalled_resources([env.controller]) == []


def test_resource_without_a_status_is_not_among_them(env: ControllerEnv) -> None:
    env.controller.on_list(env.apply("shop"))

    assert stalled_resources([env.controller]) == []


def test_they_are_counted_by_reason(env: ControllerEnv) -> None:
    for name, spec in (("a", {}), ("twin", {"displayName": "a"}), ("x", {"color": "red"}), ("b", {"color": "blue"})):
        env.update(env.apply(name, **spec))

    found = stalled_resources([env.controller])

    assert [(each.kind, each.reason, each.count, each.names) for each in found] == [
        ("Workspace", "InvalidSpec", 2, ("team-a/b", "team-a/x")),
        ("Workspace", "NameConflict", 1, ("team-a/twin",)),
    ]
    assert "spec.color" in found[0].message


def test_few_of_many_are_named(env: ControllerEnv) -> None:
    for number in range(MAX_NAMES + 2):
        env.update(env.apply(f"w{number:02}", color="red"))

    [found] = stalled_resources([env.controller])

    assert (found.count, found.names) == (12, tuple(f"team-a/w{number:02}" for number in range(10)))


def test_lost_database_stalls_all() -> None:
    clusters = Clusters()
    clusters.env.add_existing(clusters.env.apply("club"), clusters.env.apply("crm"))

    started = clusters.start_on(InMemoryDatabase(store_id="store-2"))

    [found] = stalled_resources([started.controller])
    assert (found.reason, found.count) == ("WorkspaceMissing", 2)
    assert len(found.message) <= stalled.MAX_MESSAGE
