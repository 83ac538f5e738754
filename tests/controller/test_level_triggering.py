"""A level, not edges: whatever comes while nobody looks, the next visit sees the last of it, once."""

from typing import Any

import pytest

from tests.controller.fixtures import ControllerEnv
from workspace_operator.application.operator.controller import is_newer
from workspace_operator.application.operator.workqueue import LIST_BATCH, Priority
from workspace_operator.reconcile.model.actions import AcceptLowerGeneration
from workspace_operator.resources.workspaces import ROTATE_CREDENTIALS_AT

EDITS = 60


@pytest.fixture
def env() -> ControllerEnv:
    """A workspace that is Ready, and a cluster that knows more than the controller was told."""
    env = ControllerEnv()
    env.update(env.apply("shop", identifiers={"mode": "IDOnly"}))
    return env


def backlog(env: ControllerEnv) -> list[dict[str, Any]]:
    """A request for merging, many edits, and the cancellation of the request."""
    merging = {"mode": "EmailOrID", "onConflict": "Merge"}
    requested = [env.apply("shop", identifiers=merging, color=f"{number:06d}") for number in range(EDITS)]
    return [*requested, env.apply("shop", identifiers={"mode": "IDOnly"}, color="123456")]


@pytest.mark.parametrize("drains", [True, False], ids=["one by one", "at once"])
def test_backlog_is_one_visit(env: ControllerEnv, drains: bool) -> None:
    events, writes, looks = backlog(env), len(env.resources.writes), len(env.workspaces.observed)
    stored = env.workspaces.writes.copy()

    for event in events:
        env.controller.on_update(event)
        if drains:
            env.drain()
    env.drain()

    (workspace,) = env.workspaces.list()
    assert workspace.settings.color == "123456"
    assert [type(each).__name__ for each in env.workspaces.writes[len(stored) :]] == ["UpdateSettings"]
    assert len(env.resources.writes) == writes + 1
    assert len(env.workspaces.observed) <= looks + 3
    assert env.workspaces.memory.directory.migrations == {}


def test_migration_that_was_taken_back_is_not_begun(env: ControllerEnv) -> None:
    requested, *_ = backlog(env)

    env.update(requested)

    assert env.workspaces.memory.directory.migrations == {}


def test_document_of_a_resource_that_is_gone_makes_nothing(env: ControllerEnv) -> None:
    document = env.apply("gone")
    env.resources.remove("team-a", "gone")

    env.update(document)

    assert [each.owner.name for each in env.workspaces.list()] == ["shop"]


def test_edit_during_a_visit_is_visited_afterwards(env: ControllerEnv) -> None:
    edits = [env.apply("shop", color="222222")]

    def edit() -> None:
        if edits:
            edits.pop()
            env.controller.on_update(env.apply("shop", color="333333"))

    env.workspaces.before_write.append(edit)
    env.update(edits[0])

    (workspace,) = env.workspaces.list()
    assert workspace.settings.color == "333333"


def test_edits_come_before_what_a_list_repeats() -> None:
    env = ControllerEnv()
    for number in range(20):
        env.controller.on_list(env.apply(f"listed-{number}"))
    env.controller.on_update(env.apply("edited"))

    env.controller.work()

    assert {each.owner.name for each in env.workspaces.list()} == {"edited"}


def restarted(env: ControllerEnv) -> ControllerEnv:
    """Another process with the same cluster and store."""
    return ControllerEnv(resources=env.resources, workspaces=env.workspaces, secrets=env.secrets)


def test_restart_with_nothing_to_do_visits_nobody(env: ControllerEnv) -> None:
    later, looks, writes = restarted(env), len(env.workspaces.observed), len(env.resources.writes)
    stored, calls = len(env.workspaces.writes), len(env.secrets.calls)

    later.add_existing(later.resources.get("team-a", "shop"))
    visited = [later.poll_after(2) for _ in range(29)]

    assert len(env.workspaces.observed) == looks
    assert (len(env.resources.writes), len(env.workspaces.writes), len(env.secrets.calls)) == (
        writes,
        stored,
        calls,
    )
    assert visited == [[]] * 29


def test_secret_is_checked_by_the_resync_after_a_restart(env: ControllerEnv) -> None:
    later, calls = restarted(env), len(env.secrets.calls)
    later.add_existing(later.resources.get("team-a", "shop"))

    assert later.poll_after(601) == ["shop"]
    assert env.secrets.calls[calls:] == ["read"]


def test_edit_reads_no_secret(env: ControllerEnv) -> None:
    calls = len(env.secrets.calls)

    env.update(env.apply("shop", color="222222"))

    assert len(env.secrets.calls) == calls


def test_restart_visits_what_was_edited_meanwhile(env: ControllerEnv) -> None:
    later = restarted(env)
    env.apply("shop", color="222222")

    later.add_existing(later.resources.get("team-a", "shop"))

    (workspace,) = env.workspaces.list()
    assert workspace.settings.color == "222222"


def test_restart_rotates_what_was_asked_for_meanwhile(env: ControllerEnv) -> None:
    document = env.resources.get("team-a", "shop")
    document["metadata"]["annotations"] = {ROTATE_CREDENTIALS_AT: "monday"}
    later, calls = restarted(env), len(env.secrets.calls)

    later.add_existing(env.resources.apply(document))

    assert "write" in env.secrets.calls[calls:]


def test_list_is_reconciled_when_the_store_cannot_compare(env: ControllerEnv) -> None:
    later = restarted(env)
    env.workspaces.away.append(True)

    later.add_existing(later.resources.get("team-a", "shop"))

    assert later.reason("shop") == "StoreUnavailable"


def test_list_is_reconciled_when_comparing_fails(env: ControllerEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    later, looks = restarted(env), len(env.workspaces.observed)
    monkeypatch.setattr(type(env.workspaces), "unchanged", broken)

    later.add_existing(later.resources.get("team-a", "shop"))

    assert len(env.workspaces.observed) > looks


def broken(*_: object) -> None:
    raise ValueError("a fault")


def test_long_list_is_compared_in_parts() -> None:
    env = ControllerEnv()
    for number in range(LIST_BATCH + 1):
        env.controller.on_list(env.apply(f"ws-{number}"))

    assert env.controller.work()
    assert [priority for priority, *_ in env.controller.queue._heap].count(Priority.LISTED) == 1


def test_list_of_a_restored_cluster_is_news(env: ControllerEnv) -> None:
    earlier = env.resources.get("team-a", "shop")
    env.update(env.apply("shop", color="222222"))
    env.resources.documents["team-a", "shop"] = earlier  # etcd was restored

    env.add_existing(earlier)

    (workspace,) = env.workspaces.list()
    assert workspace.settings.color == "6B7280"
    assert env.reason("shop") == "InForce"


def test_restart_after_a_lower_generation_was_accepted_puts_it_in_force(env: ControllerEnv) -> None:
    earlier = env.resources.get("team-a", "shop")
    env.update(env.apply("shop", color="222222"))
    env.resources.documents["team-a", "shop"] = earlier  # etcd was restored

    def die() -> None:
        if isinstance(env.workspaces.writes[-1], AcceptLowerGeneration):
            raise KeyboardInterrupt

    env.workspaces.before_write.append(die)
    with pytest.raises(KeyboardInterrupt):
        env.add_existing(earlier)
    env.workspaces.before_write.clear()

    later = restarted(env)
    later.add_existing(later.resources.get("team-a", "shop"))

    (workspace,) = env.workspaces.list()
    assert workspace.settings.color == "6B7280"


def test_list_of_a_restored_cluster_is_news_during_a_visit(env: ControllerEnv) -> None:
    earlier = env.resources.get("team-a", "shop")
    env.update(env.apply("shop", color="222222"))
    restorations = [earlier]

    def restore() -> None:
        if restorations:
            env.resources.documents["team-a", "shop"] = restorations.pop()
            env.controller.on_list(earlier)

    env.before_count.append(restore)
    env.poll_after(601)

    (workspace,) = env.workspaces.list()
    assert workspace.settings.color == "6B7280"


@pytest.mark.parametrize(
    ("new", "known", "listed", "newer"),
    [
        ("10", "9", False, True),
        ("9", "10", False, False),
        ("9", "10", True, True),
        ("10", "10", True, False),
        ("b", "a", False, True),
        ("a", "a", False, False),
    ],
)
def test_versions_compare_as_numbers_within_a_watch(new: str, known: str, listed: bool, newer: bool) -> None:
    documents = [{"metadata": {"resourceVersion": version}} for version in (new, known)]

    assert is_newer(documents[0], documents[1], listed=listed) is newer
