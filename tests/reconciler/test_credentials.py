"""A reconcile keeps a workspace's credentials in its Secret, whatever happens in between."""

import pytest

from tests.reconciler.faults import CrashingCredentials, InterruptedSecrets, Killed, Once, RacingCredentials, crash
from tests.reconciler.fixtures import PLACE, ReconcilerEnv, counting_random
from workspace_operator.application.operator.api_keys import digest, generate_api_keys
from workspace_operator.errors import ClusterUnavailable, StaleRevision
from workspace_operator.resources.workspaces import (
    CONFIRM_DELETE,
    FINALIZER,
    MANAGED_BY,
    MANAGER,
    ROTATE_CREDENTIALS_AT,
)

WORKSPACE = 1


@pytest.fixture
def env() -> ReconcilerEnv:
    return ReconcilerEnv()


@pytest.fixture
def settled(env: ReconcilerEnv) -> ReconcilerEnv:
    """A workspace that is Ready, with credentials in its Secret."""
    env.apply()
    env.reconcile()
    env.held.calls.clear()
    return env


def reasons(env: ReconcilerEnv) -> list[str]:
    return [event.reason for event in env.reconcile()]


def lets_in(env: ReconcilerEnv, keys: dict[str, str]) -> bool:
    """Whether the store knows all three."""
    site = env.credentials.find_by_site_ids([digest(keys["siteID"])], now=env.now).get(digest(keys["siteID"]))
    app = env.credentials.find_by_app_keys([digest(keys["appKey"])], now=env.now).get(digest(keys["appKey"]))
    return site is not None and site == app and site.digests.api_key == digest(keys["apiKey"])


def test_first_reconcile_hands_out_credentials(env: ReconcilerEnv) -> None:
    env.apply()

    told = reasons(env)

    expected = generate_api_keys(counting_random())
    assert env.keys() == {"siteID": expected.site_id, "apiKey": expected.api_key, "appKey": expected.app_key}
    assert lets_in(env, env.keys())
    assert told == ["InForce"]
    assert env.held.calls == ["write"]


def test_secret_is_read_once_at_rest(settled: ReconcilerEnv) -> None:
    settled.apply(color="123456")

    settled.reconcile()

    assert settled.held.calls == ["read"]
    assert reasons(settled) == []


def test_store_without_keys_of_callers(settled: ReconcilerEnv) -> None:
    stored = repr(settled.memory)

    assert not [key for key in settled.keys().values() if key in stored]


def test_keys_are_never_reported(settled: ReconcilerEnv) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    settled.reconcile()

    said = repr((settled.resources.writes, settled.resources.events, settled.held.held))

    assert not [key for key in settled.keys().values() if key in said]


def test_rotation_leaves_a_grace(settled: ReconcilerEnv) -> None:
    before = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"}, credentials={"rotationGraceSeconds": 60})
    settled.advance(hours=1)

    told = reasons(settled)

    assert told == ["CredentialsRotated"]
    assert settled.keys() != before
    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (True, True)
    assert settled.status()["credentials"] == {
        "secretName": "shop-credentials",
        "rotationTime": "2026-05-01T13:00:00Z",
        "previousExpirationTime": "2026-05-01T13:01:00Z",
    }


def test_grace_ends(settled: ReconcilerEnv) -> None:
    before = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    settled.reconcile()
    settled.advance(days=1, seconds=1)

    settled.reconcile()

    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (False, True)
    assert "previousExpirationTime" not in settled.status()["credentials"]


def test_request_is_handled_once(settled: ReconcilerEnv) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    settled.reconcile()
    keys = settled.keys()

    assert reasons(settled) == []
    assert settled.keys() == keys


def test_missing_secret_is_made_anew(settled: ReconcilerEnv) -> None:
    before = settled.keys()
    del settled.held.held[PLACE]
    settled.advance(seconds=11)

    told = settled.reconcile()

    assert [(event.reason, event.warning) for event in told] == [("CredentialsRotated", True)]
    assert settled.keys() != before
    assert lets_in(settled, before)


@pytest.mark.parametrize("key", ["siteID", "apiKey", "appKey"])
def test_edited_secret_is_made_anew(settled: ReconcilerEnv, key: str) -> None:
    settled.held.edit(*PLACE, **{key: "mine"})
    settled.advance(seconds=11)

    assert reasons(settled) == ["CredentialsRotated"]
    assert lets_in(settled, settled.keys())


def test_what_else_is_in_it_stays(settled: ReconcilerEnv) -> None:
    settled.held.edit(*PLACE, host="track.example.com", apiKey="mine")
    settled.advance(seconds=11)

    settled.reconcile()

    assert settled.keys()["host"] == "track.example.com"


def test_death_before_the_first_secret_leaves_nothing(env: ReconcilerEnv) -> None:
    env.apply()
    with pytest.raises(Killed):
        env.reconcile(secrets=InterruptedSecrets(secrets=env.held, disturb=crash))

    assert env.credentials.valid_sets(WORKSPACE, now=env.now) == []
    assert reasons(env) == ["InForce"]
    assert lets_in(env, env.keys())


def test_death_after_the_first_secret_is_made_up_for(env: ReconcilerEnv) -> None:
    env.apply()
    with pytest.raises(Killed):
        env.reconcile(credentials=CrashingCredentials(env.memory))
    left = env.keys()

    env.reconcile()

    assert (lets_in(env, left), lets_in(env, env.keys())) == (False, True)
    assert env.reason() == "InForce"


def test_second_operator_leaves_new_credentials_to_the_first(settled: ReconcilerEnv) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    with pytest.raises(Killed):
        settled.reconcile(secrets=InterruptedSecrets(secrets=settled.held, disturb=crash))

    settled.reconcile()

    assert settled.reason() == "Progressing"
    assert len(settled.credentials.valid_sets(WORKSPACE, now=settled.now)) == 2


def test_of_two_rotations_for_one_request_the_second_is_refused(settled: ReconcilerEnv) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})

    with pytest.raises(StaleRevision):  # the other one has written the status, too
        settled.reconcile(credentials=RacingCredentials(settled.memory, Once(settled.reconcile)))
    settled.reconcile()

    assert len(settled.credentials.valid_sets(WORKSPACE, now=settled.now)) == 2
    assert lets_in(settled, settled.keys())


def test_death_at_a_rotation_keeps_callers_in(settled: ReconcilerEnv) -> None:
    before = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    with pytest.raises(Killed):
        settled.reconcile(secrets=InterruptedSecrets(secrets=settled.held, disturb=crash))
    assert settled.keys() == before
    assert lets_in(settled, before)

    settled.advance(seconds=11)
    settled.reconcile()

    assert settled.keys() != before
    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (True, True)
    assert settled.reason() == "InForce"


def test_secret_made_meanwhile_is_not_overwritten(env: ReconcilerEnv) -> None:
    env.apply()

    def disturb() -> None:
        env.held.put(*PLACE, apiKey="mine")

    env.reconcile(secrets=InterruptedSecrets(secrets=env.held, disturb=disturb))

    assert env.keys() == {"apiKey": "mine"}
    assert env.reason() == "CredentialsConflict"


def test_foreign_secret_costs_no_rotation(env: ReconcilerEnv) -> None:
    env.held.put(*PLACE, apiKey="mine")
    env.apply()

    env.reconcile()

    assert env.reason() == "CredentialsConflict"
    assert env.credentials.valid_sets(WORKSPACE, now=env.now) == []
    assert "credentials" not in env.status()


def test_secret_that_is_handed_over_is_used(env: ReconcilerEnv) -> None:
    env.held.put(*PLACE, labels={MANAGED_BY: MANAGER}, apiKey="mine")
    env.apply()

    env.reconcile()

    assert lets_in(env, env.keys())
    assert [owner["uid"] for owner in env.held.held[PLACE].owners] == ["uid-1"]


def test_recreated_resource_keeps_the_keys(settled: ReconcilerEnv) -> None:
    keys = settled.keys()
    settled.resources.remove("team-a", "shop")
    settled.apply(uid="uid-2")

    told = reasons(settled)

    assert told == ["InForce"]
    assert settled.keys() == keys
    assert [owner["uid"] for owner in settled.held.held[PLACE].owners] == ["uid-2"]


@pytest.mark.parametrize("refused", [("read", "write"), ("write",)])
def test_refusal_costs_no_credentials(env: ReconcilerEnv, refused: tuple[str, ...]) -> None:
    env.held.refuses.update(refused)
    env.apply(color="123456")

    for _ in range(3):
        env.reconcile()

    assert env.reason() == "CredentialsRefused"
    assert env.credentials.valid_sets(WORKSPACE, now=env.now) == []
    assert env.memory.states[WORKSPACE].workspace.settings.color == "123456"


@pytest.mark.parametrize("refused", ["read", "try"])
def test_refusal_costs_no_rotation(settled: ReconcilerEnv, refused: str) -> None:
    settled.held.refuses.add(refused)
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})

    for _ in range(3):
        settled.reconcile()

    assert settled.reason() == "CredentialsRefused"
    assert len(settled.credentials.valid_sets(WORKSPACE, now=settled.now)) == 1


def test_rights_that_come_later_are_used(env: ReconcilerEnv) -> None:
    env.held.refuses.update(("read", "write"))
    env.apply()
    env.reconcile()
    env.held.refuses.clear()

    env.reconcile()

    assert env.reason() == "InForce"
    assert lets_in(env, env.keys())


def test_cluster_away_is_no_verdict(settled: ReconcilerEnv) -> None:
    def away() -> None:
        raise ClusterUnavailable("the Kubernetes API does not answer")

    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})
    before = settled.status()

    with pytest.raises(ClusterUnavailable):
        settled.reconcile(secrets=InterruptedSecrets(secrets=settled.held, disturb=away))

    assert settled.status() == before


def test_revoked_credentials_are_replaced(settled: ReconcilerEnv) -> None:
    before = settled.keys()
    settled.credentials.revoke(WORKSPACE)

    assert reasons(settled) == ["CredentialsCreated"]
    assert (lets_in(settled, before), lets_in(settled, settled.keys())) == (False, True)


def test_suspended_workspace_keeps_its_keys(settled: ReconcilerEnv) -> None:
    keys = settled.keys()
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"}, suspend=True)

    settled.reconcile()

    assert settled.keys() == keys
    assert settled.reason() == "Suspended"


def test_workspace_gone_meanwhile_is_requeued(settled: ReconcilerEnv) -> None:
    settled.apply(annotations={ROTATE_CREDENTIALS_AT: "monday"})

    def lose_once(length: int) -> bytes:
        if WORKSPACE in settled.memory.states:
            settled.memory.delete(WORKSPACE)
        return counting_random()(length)

    settled.random = lose_once

    settled.reconcile()

    assert settled.reason() == "WorkspaceMissing"
    assert settled.status()["workspaceID"] == WORKSPACE


def test_confirmed_deletion_takes_the_secret_along(env: ReconcilerEnv) -> None:
    env.apply(deletionPolicy="Delete", annotations={CONFIRM_DELETE: "Shop"})
    env.reconcile()
    keys = env.keys()
    env.resources.documents["team-a", "shop"]["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"

    env.reconcile()

    assert env.held.held == {}
    assert not lets_in(env, keys)
    assert ("team-a", "shop") not in env.resources.documents


def test_crash_before_the_secret_is_removed_is_repaired(env: ReconcilerEnv) -> None:
    env.apply(deletionPolicy="Delete", annotations={CONFIRM_DELETE: "Shop"})
    env.reconcile()
    env.resources.documents["team-a", "shop"]["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
    env.memory.delete(WORKSPACE)

    env.reconcile()

    assert env.held.held == {}


def test_retained_secret_is_left_to_kubernetes(settled: ReconcilerEnv) -> None:
    document = settled.resources.documents["team-a", "shop"]
    document["metadata"] |= {"deletionTimestamp": "2026-05-01T12:00:00Z", "finalizers": [FINALIZER]}

    settled.reconcile()

    assert settled.held.calls == ["read"]
    assert lets_in(settled, settled.keys())


def test_without_a_cluster_nothing_is_made(env: ReconcilerEnv) -> None:
    env.apply()

    env.reconcile(cluster=False)

    assert env.reason() == "InForce"
    assert "workspacectl credentials create" in env.status()["conditions"][0]["message"]
    assert env.credentials.valid_sets(WORKSPACE, now=env.now) == []


def test_without_a_cluster_credentials_are_reported(settled: ReconcilerEnv) -> None:
    settled.reconcile(cluster=False)

    assert settled.status()["credentials"] == {"rotationTime": "2026-05-01T12:00:00Z"}
