"""A level, not edges: whatever comes while nobody looks, the next visit sees the last of it, once."""

from typing import Any

import pytest

from tests.controller.scenes import Scene
from workspace_operator.application.controller import MAX_LISTED, Priority, is_newer
from workspace_operator.reconcile.plan import AcceptLowerGeneration
from workspace_operator.resources.workspaces import ROTATE_CREDENTIALS_AT

EDITS = 60


@pytest.fixture
def scene() -> Scene:
    """A workspace that is Ready, and a cluster that knows more than the controller was told."""
    scene = Scene()
    scene.heard(scene.apply("shop", identifiers={"mode": "IDOnly"}))
    return scene


def backlog(scene: Scene) -> list[dict[str, Any]]:
    """Merging identifiers are wished for, many edits follow, and the wish is taken back."""
    merging = {"mode": "EmailOrID", "onConflict": "Merge"}
    wished = [scene.apply("shop", identifiers=merging, color=f"{number:06d}") for number in range(EDITS)]
    return [*wished, scene.apply("shop", identifiers={"mode": "IDOnly"}, color="123456")]


@pytest.mark.parametrize("drains", [True, False], ids=["one by one", "at once"])
def test_backlog_is_one_visit(scene: Scene, drains: bool) -> None:
    events, writes, looks = backlog(scene), len(scene.resources.writes), len(scene.workspaces.looks)
    stored = scene.workspaces.writes.copy()

    for event in events:
        scene.controller.on_update(event)
        if drains:
            scene.drain()
    scene.drain()

    (workspace,) = scene.workspaces.list()
    assert workspace.settings.color == "123456"
    assert [type(each).__name__ for each in scene.workspaces.writes[len(stored) :]] == ["PutInForce"]
    assert len(scene.resources.writes) == writes + 1
    assert len(scene.workspaces.looks) <= looks + 3
    assert scene.workspaces.memory.rooms[1].changes == []


def test_identifier_change_that_was_taken_back_is_not_begun(scene: Scene) -> None:
    wished, *_ = backlog(scene)

    scene.heard(wished)

    assert scene.workspaces.memory.rooms[1].changes == []


def test_document_of_a_resource_that_is_gone_makes_nothing(scene: Scene) -> None:
    document = scene.apply("gone")
    scene.resources.remove("team-a", "gone")

    scene.heard(document)

    assert [each.owner.name for each in scene.workspaces.list()] == ["shop"]


def test_edit_during_a_visit_is_visited_afterwards(scene: Scene) -> None:
    edits = [scene.apply("shop", color="222222")]

    def edit() -> None:
        if edits:
            edits.pop()
            scene.controller.on_update(scene.apply("shop", color="333333"))

    scene.workspaces.before_write.append(edit)
    scene.heard(edits[0])

    (workspace,) = scene.workspaces.list()
    assert workspace.settings.color == "333333"


def test_edits_come_before_what_a_list_repeats() -> None:
    scene = Scene()
    for number in range(20):
        scene.controller.on_list(scene.apply(f"listed-{number}"))
    scene.controller.on_update(scene.apply("edited"))

    scene.controller.work()

    assert {each.owner.name for each in scene.workspaces.list()} == {"edited"}


def restarted(scene: Scene) -> Scene:
    """Another process with the same cluster and store."""
    return Scene(resources=scene.resources, workspaces=scene.workspaces, secrets=scene.secrets)


def test_restart_with_nothing_to_do_visits_nobody(scene: Scene) -> None:
    later, looks, writes = restarted(scene), len(scene.workspaces.looks), len(scene.resources.writes)
    stored, calls = len(scene.workspaces.writes), len(scene.secrets.calls)

    later.listed(later.resources.get("team-a", "shop"))
    visited = [later.sweep_after(2) for _ in range(29)]

    assert len(scene.workspaces.looks) == looks
    assert (len(scene.resources.writes), len(scene.workspaces.writes), len(scene.secrets.calls)) == (
        writes,
        stored,
        calls,
    )
    assert visited == [[]] * 29


def test_secret_is_checked_by_the_resync_after_a_restart(scene: Scene) -> None:
    later, calls = restarted(scene), len(scene.secrets.calls)
    later.listed(later.resources.get("team-a", "shop"))

    assert later.sweep_after(601) == ["shop"]
    assert scene.secrets.calls[calls:] == ["read"]


def test_edit_reads_no_secret(scene: Scene) -> None:
    calls = len(scene.secrets.calls)

    scene.heard(scene.apply("shop", color="222222"))

    assert len(scene.secrets.calls) == calls


def test_restart_visits_what_was_edited_meanwhile(scene: Scene) -> None:
    later = restarted(scene)
    scene.apply("shop", color="222222")

    later.listed(later.resources.get("team-a", "shop"))

    (workspace,) = scene.workspaces.list()
    assert workspace.settings.color == "222222"


def test_restart_rotates_what_was_asked_for_meanwhile(scene: Scene) -> None:
    document = scene.resources.get("team-a", "shop")
    document["metadata"]["annotations"] = {ROTATE_CREDENTIALS_AT: "monday"}
    later, calls = restarted(scene), len(scene.secrets.calls)

    later.listed(scene.resources.apply(document))

    assert "write" in scene.secrets.calls[calls:]


def test_list_is_reconciled_when_the_store_cannot_compare(scene: Scene) -> None:
    later = restarted(scene)
    scene.workspaces.away.append(True)

    later.listed(later.resources.get("team-a", "shop"))

    assert later.reason("shop") == "StoreUnavailable"


def test_list_is_reconciled_when_comparing_fails(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    later, looks = restarted(scene), len(scene.workspaces.looks)
    monkeypatch.setattr(type(scene.workspaces), "unchanged", broken)

    later.listed(later.resources.get("team-a", "shop"))

    assert len(scene.workspaces.looks) > looks


def broken(*_: object) -> None:
    raise ValueError("a fault")


def test_long_list_is_compared_in_parts() -> None:
    scene = Scene()
    for number in range(MAX_LISTED + 1):
        scene.controller.on_list(scene.apply(f"ws-{number}"))

    assert scene.controller.work()
    assert [priority for priority, *_ in scene.controller._queue].count(Priority.LISTED) == 1


def test_list_of_a_restored_cluster_is_news(scene: Scene) -> None:
    earlier = scene.resources.get("team-a", "shop")
    scene.heard(scene.apply("shop", color="222222"))
    scene.resources.documents["team-a", "shop"] = earlier  # etcd was restored

    scene.listed(earlier)

    (workspace,) = scene.workspaces.list()
    assert workspace.settings.color == "6B7280"
    assert scene.reason("shop") == "InForce"


def test_restart_after_a_lower_generation_was_accepted_puts_it_in_force(scene: Scene) -> None:
    earlier = scene.resources.get("team-a", "shop")
    scene.heard(scene.apply("shop", color="222222"))
    scene.resources.documents["team-a", "shop"] = earlier  # etcd was restored

    def die() -> None:
        if isinstance(scene.workspaces.writes[-1], AcceptLowerGeneration):
            raise KeyboardInterrupt

    scene.workspaces.before_write.append(die)
    with pytest.raises(KeyboardInterrupt):
        scene.listed(earlier)
    scene.workspaces.before_write.clear()

    later = restarted(scene)
    later.listed(later.resources.get("team-a", "shop"))

    (workspace,) = scene.workspaces.list()
    assert workspace.settings.color == "6B7280"


def test_list_of_a_restored_cluster_is_news_during_a_visit(scene: Scene) -> None:
    earlier = scene.resources.get("team-a", "shop")
    scene.heard(scene.apply("shop", color="222222"))
    restorations = [earlier]

    def restore() -> None:
        if restorations:
            scene.resources.documents["team-a", "shop"] = restorations.pop()
            scene.controller.on_list(earlier)

    scene.before_count.append(restore)
    scene.sweep_after(601)

    (workspace,) = scene.workspaces.list()
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
