"""The credentials of a workspace: when they are made, made anew, or have no place (design §4)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    NOW,
    blocked,
    conditions,
    decided,
    kept,
    message,
    resource,
    stored,
    told,
    wish,
)
from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile.credentials import CredentialsSeen, RotationCause, SecretState
from workspace_operator.reconcile.observed import Observed, StoreAway
from workspace_operator.reconcile.plan import ClaimSecret, PutInForce, RotateCredentials
from workspace_operator.resources.workspaces import ROTATE_CREDENTIALS_AT

NOT_MADE = {"is_current": False, "rotated_at": None}
NONE, REQUESTED, ABSENT, DIFFERS = RotationCause
HAS_NO_PLACE = (SecretState.NOWHERE, SecretState.REFUSED, SecretState.FOREIGN)
ASKING = resource(annotations={ROTATE_CREDENTIALS_AT: "monday"})


def seeing(credentials: CredentialsSeen, **changes: Any) -> Observed:
    return Observed(workspace=stored(), credentials=credentials, **changes)


def rotation(cause: RotationCause, **changes: Any) -> RotateCredentials:
    values: dict[str, Any] = {"workspace_id": 7, "after": 0, "grace": timedelta(days=1), "request": "", "cause": cause}
    return RotateCredentials(**values | changes)


@pytest.mark.parametrize(
    ("seen", "asked", "cause"),
    [
        (kept(), "", None),
        (kept(request="monday"), "monday", None),
        (kept(request="monday"), "", None),
        (kept(), "monday", REQUESTED),
        (kept(request="monday"), "tuesday", REQUESTED),
        (kept(is_current=False), "", DIFFERS),
        (kept(is_current=False), "monday", REQUESTED),
        (kept(**NOT_MADE), "", NONE),
        (kept(**NOT_MADE), "monday", NONE),
        (kept(secret=SecretState.ABSENT, is_current=False), "", ABSENT),
        (kept(secret=SecretState.ABSENT, **NOT_MADE), "", NONE),
        (kept(secret=SecretState.INHERITED), "", None),
        (kept(secret=SecretState.INHERITED, is_current=False), "", DIFFERS),
        *((kept(secret=each), "monday", None) for each in HAS_NO_PLACE),
        *((kept(secret=each, **NOT_MADE), "", None) for each in HAS_NO_PLACE),
    ],
)
def test_each_cause_of_rotation(seen: CredentialsSeen, asked: str, cause: RotationCause | None) -> None:
    assert seen.rotation_due(asked) is cause


@pytest.mark.parametrize(
    ("seen", "is_settled"),
    [
        (kept(), True),
        (kept(is_current=False), False),
        (kept(secret=SecretState.NOWHERE), True),
        (kept(secret=SecretState.NOWHERE, **NOT_MADE), True),
        *((kept(secret=each), False) for each in SecretState if each not in {SecretState.OWN, SecretState.NOWHERE}),
    ],
)
def test_settled_means_nothing_is_left(seen: CredentialsSeen, is_settled: bool) -> None:
    assert seen.is_settled("") is is_settled


def test_first_credentials_are_made() -> None:
    plan = decided(ASKING, seeing(kept(secret=SecretState.ABSENT, **NOT_MADE)))

    assert plan.actions == (rotation(NONE, request="monday"),)
    assert plan.events == ()


def test_credentials_of_a_known_workspace_are_told() -> None:
    known = resource(status={"workspaceID": 7}, annotations=ASKING.annotations)

    plan = decided(known, seeing(kept(secret=SecretState.ABSENT, **NOT_MADE)))

    assert [(event.reason, event.warning) for event in plan.events] == [("CredentialsCreated", False)]


@pytest.mark.parametrize("lacking", [kept(secret=SecretState.ABSENT, is_current=False), kept(is_current=False)])
def test_secret_of_new_credentials_is_waited_for(lacking: CredentialsSeen) -> None:
    plan = decided(resource(), seeing(replace(lacking, was_just_made=True)))

    assert (plan.actions, plan.retry) == ((), True)
    assert plan.status is not None
    assert plan.status["conditions"][0]["reason"] == "Progressing"


@pytest.mark.parametrize(
    ("asking", "seen", "cause", "warning"),
    [
        (ASKING, kept(), REQUESTED, False),
        (resource(), kept(secret=SecretState.ABSENT, is_current=False), ABSENT, True),
        (resource(), kept(is_current=False), DIFFERS, True),
    ],
)
def test_rotation_is_told_with_its_cause(asking: Any, seen: Any, cause: RotationCause, warning: bool) -> None:
    plan = decided(asking, seeing(seen))

    assert plan.actions == (rotation(cause, request=asking.rotation_request),)
    assert [(event.reason, event.warning) for event in plan.events] == [("CredentialsRotated", warning)]
    assert "team-a/shop-credentials" in plan.events[0].message


def test_handled_request_stays_handled() -> None:
    plan = decided(resource(), seeing(kept(is_current=False, request="monday")))

    assert plan.actions == (rotation(DIFFERS, request="monday"),)


def test_grace_is_that_of_the_spec() -> None:
    asking = replace(ASKING, wish=replace(wish(), rotation_grace=timedelta(seconds=60)))

    plan = decided(asking, seeing(kept()))

    assert plan.actions == (rotation(REQUESTED, request="monday", grace=timedelta(seconds=60)),)


def test_long_requests_are_cut() -> None:
    asking = resource(annotations={ROTATE_CREDENTIALS_AT: "\0" + "x" * 300})

    assert asking.rotation_request == "x" * 256
    assert decided(asking, seeing(kept(request="x" * 256))).actions == ()


def test_inherited_secret_keeps_its_credentials() -> None:
    plan = decided(resource(), seeing(kept(secret=SecretState.INHERITED)))

    assert plan.actions == (ClaimSecret(workspace_id=7),)
    assert plan.events == ()


@pytest.mark.parametrize(
    ("state", "reason"),
    [(SecretState.FOREIGN, "CredentialsConflict"), (SecretState.REFUSED, "CredentialsRefused")],
)
def test_secret_out_of_reach_is_stalled(state: SecretState, reason: str) -> None:
    plan = decided(resource(), seeing(kept(secret=state, is_current=False)))

    assert plan.actions == ()
    assert plan.retry
    assert conditions(dict(plan.status or {})) == {
        "Ready": ("False", reason),
        "Stalled": ("True", reason),
        "IdentifiersApplied": ("True", "InForce"),
    }


def test_foreign_secret_holds_up_nothing_else() -> None:
    recoloured = resource(wish=wish(color="000000"))

    plan = decided(recoloured, seeing(kept(secret=SecretState.FOREIGN)))

    assert isinstance(plan.actions[0], PutInForce)


def test_blocked_change_stays_told_in_conflict() -> None:
    observed = Observed(
        workspace=stored(mode=Mode.ID_ONLY),
        migration=blocked(),
        credentials=kept(secret=SecretState.FOREIGN),
    )

    status = told(resource(wish=wish(Mode.EMAIL_OR_ID)), observed)

    assert conditions(status)["Ready"] == ("False", "CredentialsConflict")
    assert "3 people of 100 stand in the way" in message(status, "IdentifiersApplied")


def test_conflict_says_the_ways_out() -> None:
    words = message(told(resource(), seeing(kept(secret=SecretState.FOREIGN))))

    assert "Delete that Secret, or hand it over" in words
    assert (
        "kubectl label --overwrite secret shop-credentials -n team-a app.kubernetes.io/managed-by=workspace-operator"
        in words
    )


@pytest.mark.parametrize("state", [SecretState.FOREIGN, SecretState.REFUSED])
def test_longest_names_are_told_whole(state: SecretState) -> None:
    longest = resource(namespace="n" * 63, name="n" * 241)

    words = message(
        told(longest, Observed(workspace=stored(owner=longest.owner("cluster-1")), credentials=kept(secret=state)))
    )

    assert words.endswith("within a minute.")


def test_status_tells_where_and_until_when() -> None:
    seen = kept(rotated_at=NOW + timedelta(microseconds=7), previous_valid_until=LATER)

    assert told(resource(), seeing(seen))["credentials"] == {
        "secretName": "shop-credentials",
        "rotationTime": "2026-05-01T12:00:00Z",
        "previousExpirationTime": "2026-05-01T12:10:00Z",
    }


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (kept(**NOT_MADE, secret=SecretState.FOREIGN), None),
        (kept(secret=SecretState.FOREIGN, is_current=False), {"rotationTime": "2026-05-01T12:00:00Z"}),
        (kept(secret=SecretState.NOWHERE, is_current=False), {"rotationTime": "2026-05-01T12:00:00Z"}),
    ],
)
def test_status_names_no_other_secret(seen: CredentialsSeen, shown: Any) -> None:
    assert told(resource(), seeing(seen)).get("credentials") == shown


def test_absent_store_keeps_what_was_told() -> None:
    before = told(resource(), seeing(kept()))

    plan = decided(resource(status=before), StoreAway(), now=LATER)

    assert plan.status is not None
    assert plan.status["credentials"] == before["credentials"]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (kept(), "Every setting is in force."),
        (kept(secret=SecretState.NOWHERE), "Every setting is in force."),
        (
            kept(secret=SecretState.NOWHERE, **NOT_MADE),
            (
                "Every setting is in force. Nobody has credentials for it yet: `workspacectl credentials create "
                "--workspace team-a/shop` makes some."
            ),
        ),
    ],
)
def test_without_a_cluster_the_way_is_told(seen: CredentialsSeen, words: str) -> None:
    status = told(resource(), seeing(seen))

    assert conditions(status)["Ready"] == ("True", "InForce")
    assert message(status) == words
