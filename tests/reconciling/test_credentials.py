"""A reconcile keeps a workspace's credentials in its Secret, whatever happens in between."""

import pytest

from tests.reconciling.disturbances import Disturbed, Dying, Killed, Once, Overtaken, die
from tests.reconciling.scenes import PLACE, Scene, unlikely
from workspace_operator.application.key_making import digest, make_keys
from workspace_operator.errors import ClusterUnavailable, Moved
from workspace_operator.resources.workspaces import (
    CONFIRM_DELETE,
    FINALIZER,
    MANAGED_BY,
    MANAGER,
    ROTATE_CREDENTIALS_AT,
)

WORKSPACE = 1


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def settled(scene: Scene) -> Scene:
    """A workspace that is Ready, with credentials in its Secret."""
    scene.apply()
    scene.reconcile()
    scene.held.calls.clear()
    return scene


def reasons(scene: Scene) -> list[str]:
    return [event.reason for event in scene.reconcile()]


def lets_in(scene: Scene, keys: dict[str, str]) -> bool:
    """Whether the store knows all three."""
    site = scene.credentials.of_site_ids([digest(keys["siteID"])], now=scene.now).get(digest(keys["siteID"]))
    app = scene.credentials.of_app_keys([digest(keys["appKey"])], now=scene.now).get(digest(keys["appKey"]))
    return site is not None and site == app and site.digests.api_key == digest(keys["apiKey"])


def test_first_reconcile_hands_out_credentials(scene: Scene) -> None:
    scene.apply()

    told = reasons(scene)

    expected = make_keys(unlikely())
    assert scene.keys() == {"siteID": expected.site_id, "apiKey": expected.api_key, "appKey": expected.app_key}
    assert lets_in(scene, scene.keys())
    assert told == ["InForce"]
    assert scene.held.calls == ["write"]


def test_secret_is_read_once_at_rest(settled: Scene) -> None:
    settled.apply(color="123456")

    settled.reconcile()

    assert settled.held.calls == ["read"]
    assert reasons(settled) == []


def test_store_without_keys_of_callers(settled: Scene) -> None:
    stored = repr(settled.memory)

    assert not [key for key in settled.keys().values() if key in stored]


def test_nobody_is_told_the_keys(settled: Scene) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    settled.reconcile()

    said = repr((settled.resources.writes, settled.resources.events, settled.held.held))

    assert not [key for key in settled.keys().values() if key in said]


def test_rotation_leaves_a_grace(settled: Scene) -> None:
    before = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"}, credentials={"rotationGraceSeconds": 60})
    settled.forward(hours=1)

    told = reasons(settled)

    assert told == ["CredentialsRotated"]
    assert settled.keys() != before
    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (True, True)
    assert settled.status()["credentials"] == {
        "secretName": "shop-credentials",
        "rotationTime": "2026-05-01T13:00:00Z",
        "previousExpirationTime": "2026-05-01T13:01:00Z",
    }


def test_grace_ends(settled: Scene) -> None:
    before = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    settled.reconcile()
    settled.forward(days=1, seconds=1)

    settled.reconcile()

    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (False, True)
    assert "previousExpirationTime" not in settled.status()["credentials"]


def test_request_is_handled_once(settled: Scene) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    settled.reconcile()
    keys = settled.keys()

    assert reasons(settled) == []
    assert settled.keys() == keys


def test_missing_secret_is_made_anew(settled: Scene) -> None:
    before = settled.keys()
    del settled.held.held[PLACE]
    settled.forward(seconds=11)

    told = settled.reconcile()

    assert [(event.reason, event.warning) for event in told] == [("CredentialsRotated", True)]
    assert settled.keys() != before
    assert lets_in(settled, before)


@pytest.mark.parametrize("key", ["siteID", "apiKey", "appKey"])
def test_edited_secret_is_made_anew(settled: Scene, key: str) -> None:
    settled.held.edit(*PLACE, **{key: "mine"})
    settled.forward(seconds=11)

    assert reasons(settled) == ["CredentialsRotated"]
    assert lets_in(settled, settled.keys())


def test_what_else_is_in_it_stays(settled: Scene) -> None:
    settled.held.edit(*PLACE, host="track.example.com", apiKey="mine")
    settled.forward(seconds=11)

    settled.reconcile()

    assert settled.keys()["host"] == "track.example.com"


def test_death_before_the_first_secret_leaves_nothing(scene: Scene) -> None:
    scene.apply()
    with pytest.raises(Killed):
        scene.reconcile(secrets=Disturbed(secrets=scene.held, disturb=die))

    assert scene.credentials.sets(WORKSPACE, now=scene.now) == []
    assert reasons(scene) == ["InForce"]
    assert lets_in(scene, scene.keys())


def test_death_after_the_first_secret_is_made_up_for(scene: Scene) -> None:
    scene.apply()
    with pytest.raises(Killed):
        scene.reconcile(credentials=Dying(scene.memory))
    left = scene.keys()

    scene.reconcile()

    assert (lets_in(scene, left), lets_in(scene, scene.keys())) == (False, True)
    assert scene.reason() == "InForce"


def test_second_operator_leaves_new_credentials_to_the_first(settled: Scene) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    with pytest.raises(Killed):
        settled.reconcile(secrets=Disturbed(secrets=settled.held, disturb=die))

    settled.reconcile()

    assert settled.reason() == "Progressing"
    assert len(settled.credentials.sets(WORKSPACE, now=settled.now)) == 2


def test_of_two_rotations_for_one_request_the_second_is_refused(settled: Scene) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})

    with pytest.raises(Moved):  # the other one has written the status, too
        settled.reconcile(credentials=Overtaken(settled.memory, Once(settled.reconcile)))
    settled.reconcile()

    assert len(settled.credentials.sets(WORKSPACE, now=settled.now)) == 2
    assert lets_in(settled, settled.keys())


def test_death_at_a_rotation_keeps_callers_in(settled: Scene) -> None:
    before = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    with pytest.raises(Killed):
        settled.reconcile(secrets=Disturbed(secrets=settled.held, disturb=die))
    assert settled.keys() == before
    assert lets_in(settled, before)

    settled.forward(seconds=11)
    settled.reconcile()

    assert settled.keys() != before
    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (True, True)
    assert settled.reason() == "InForce"


def test_secret_made_meanwhile_is_not_overwritten(scene: Scene) -> None:
    scene.apply()

    def disturb() -> None:
        scene.held.put(*PLACE, apiKey="mine")

    scene.reconcile(secrets=Disturbed(secrets=scene.held, disturb=disturb))

    assert scene.keys() == {"apiKey": "mine"}
    assert scene.reason() == "CredentialsConflict"


def test_foreign_secret_costs_no_rotation(scene: Scene) -> None:
    scene.held.put(*PLACE, apiKey="mine")
    scene.apply()

    scene.reconcile()

    assert scene.reason() == "CredentialsConflict"
    assert scene.credentials.sets(WORKSPACE, now=scene.now) == []
    assert "credentials" not in scene.status()


def test_secret_that_is_handed_over_is_used(scene: Scene) -> None:
    scene.held.put(*PLACE, labels={MANAGED_BY: MANAGER}, apiKey="mine")
    scene.apply()

    scene.reconcile()

    assert lets_in(scene, scene.keys())
    assert [owner["uid"] for owner in scene.held.held[PLACE].owners] == ["uid-1"]


def test_recreated_resource_keeps_the_keys(settled: Scene) -> None:
    keys = settled.keys()
    settled.resources.remove("team-a", "shop")
    settled.apply(uid="uid-2")

    told = reasons(settled)

    assert told == ["InForce"]
    assert settled.keys() == keys
    assert [owner["uid"] for owner in settled.held.held[PLACE].owners] == ["uid-2"]


@pytest.mark.parametrize("refused", [("read", "write"), ("write",)])
def test_refusal_costs_no_credentials(scene: Scene, refused: tuple[str, ...]) -> None:
    scene.held.refuses.update(refused)
    scene.apply(color="123456")

    for _ in range(3):
        scene.reconcile()

    assert scene.reason() == "CredentialsRefused"
    assert scene.credentials.sets(WORKSPACE, now=scene.now) == []
    assert scene.memory.rooms[WORKSPACE].workspace.settings.color == "123456"


@pytest.mark.parametrize("refused", ["read", "try"])
def test_refusal_costs_no_rotation(settled: Scene, refused: str) -> None:
    settled.held.refuses.add(refused)
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})

    for _ in range(3):
        settled.reconcile()

    assert settled.reason() == "CredentialsRefused"
    assert len(settled.credentials.sets(WORKSPACE, now=settled.now)) == 1


def test_rights_that_come_later_are_used(scene: Scene) -> None:
    scene.held.refuses.update(("read", "write"))
    scene.apply()
    scene.reconcile()
    scene.held.refuses.clear()

    scene.reconcile()

    assert scene.reason() == "InForce"
    assert lets_in(scene, scene.keys())


def test_cluster_away_is_no_verdict(settled: Scene) -> None:
    def away() -> None:
        raise ClusterUnavailable("the Kubernetes API does not answer")

    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    before = settled.status()

    with pytest.raises(ClusterUnavailable):
        settled.reconcile(secrets=Disturbed(secrets=settled.held, disturb=away))

    assert settled.status() == before


def test_revoked_credentials_are_replaced(settled: Scene) -> None:
    before = settled.keys()
    settled.credentials.revoke(WORKSPACE)

    assert reasons(settled) == ["CredentialsCreated"]
    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (False, True)


def test_suspended_workspace_keeps_its_keys(settled: Scene) -> None:
    keys = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"}, suspend=True)

    settled.reconcile()

    assert settled.keys() == keys
    assert settled.reason() == "Suspended"


def test_workspace_gone_meanwhile_is_looked_at_again(settled: Scene) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    lost: list[object] = []

    def lose_once(length: int) -> bytes:
        if not lost:
            lost.append(settled.memory.rooms.pop(WORKSPACE))
        return unlikely()(length)

    settled.random = lose_once

    settled.reconcile()

    assert settled.reason() == "WorkspaceMissing"
    assert settled.status()["workspaceID"] == WORKSPACE


def test_confirmed_deletion_takes_the_secret_along(scene: Scene) -> None:
    scene.apply(deletionPolicy="Delete", annotations={CONFIRM_DELETE: "Shop"})
    scene.reconcile()
    keys = scene.keys()
    scene.resources.documents["team-a", "shop"]["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"

    scene.reconcile()

    assert scene.held.held == {}
    assert not lets_in(scene, keys)
    assert ("team-a", "shop") not in scene.resources.documents


def test_death_before_the_secret_is_removed_is_mended(scene: Scene) -> None:
    scene.apply(deletionPolicy="Delete", annotations={CONFIRM_DELETE: "Shop"})
    scene.reconcile()
    scene.resources.documents["team-a", "shop"]["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
    del scene.memory.rooms[WORKSPACE]

    scene.reconcile()

    assert scene.held.held == {}


def test_retained_secret_is_left_to_kubernetes(settled: Scene) -> None:
    document = settled.resources.documents["team-a", "shop"]
    document["metadata"] |= {"deletionTimestamp": "2026-05-01T12:00:00Z", "finalizers": [FINALIZER]}

    settled.reconcile()

    assert settled.held.calls == ["read"]
    assert lets_in(settled, settled.keys())


def test_without_a_cluster_nothing_is_made(scene: Scene) -> None:
    scene.apply()

    scene.reconcile(cluster=False)

    assert scene.reason() == "InForce"
    assert "workspacectl credentials create" in scene.status()["conditions"][0]["message"]
    assert scene.credentials.sets(WORKSPACE, now=scene.now) == []


def test_without_a_cluster_credentials_are_told(settled: Scene) -> None:
    settled.reconcile(cluster=False)

    assert settled.status()["credentials"] == {"rotationTime": "2026-05-01T12:00:00Z"}
