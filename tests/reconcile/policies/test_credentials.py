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
    desired,
    message,
    observed_credentials,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import ClaimSecret, RotateCredentials, UpdateSettings
from workspace_operator.reconcile.model.credentials import ObservedCredentials, RotationReason, SecretState
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.resources.workspaces import ROTATE_CREDENTIALS_AT

NOT_MADE = {"is_current": False, "rotated_at": None}
NONE, REQUESTED, ABSENT, DIFFERS = RotationReason
HAS_NO_PLACE = (SecretState.NO_CLUSTER, SecretState.REFUSED, SecretState.FOREIGN)
ASKING = resource(annotations={ROTATE_CREDENTIALS_AT: "monday"})


def seeing(credentials: ObservedCredentials, **migrations: Any) -> ObservedState:
    return ObservedState(workspace=stored(), credentials=credentials, **migrations)


def rotation(cause: RotationReason, **migrations: Any) -> RotateCredentials:
    values: dict[str, Any] = {"workspace_id": 7, "after": 0, "grace": timedelta(days=1), "request": "", "reason": cause}
    return RotateCredentials(**values | migrations)


@pytest.mark.parametrize(
    ("seen", "asked", "cause"),
    [
        (observed_credentials(), "", None),
        (observed_credentials(request="monday"), "monday", None),
        (observed_credentials(request="monday"), "", None),
        (observed_credentials(), "monday", REQUESTED),
        (observed_credentials(request="monday"), "tuesday", REQUESTED),
        (observed_credentials(is_current=False), "", DIFFERS),
        (observed_credentials(is_current=False), "monday", REQUESTED),
        (observed_credentials(**NOT_MADE), "", NONE),
        (observed_credentials(**NOT_MADE), "monday", NONE),
        (observed_credentials(secret=SecretState.ABSENT, is_current=False), "", ABSENT),
        (observed_credentials(secret=SecretState.ABSENT, **NOT_MADE), "", NONE),
        (observed_credentials(secret=SecretState.INHERITED), "", None),
        (observed_credentials(secret=SecretState.INHERITED, is_current=False), "", DIFFERS),
        *((observed_credentials(secret=each), "monday", None) for each in HAS_NO_PLACE),
        *((observed_credentials(secret=each, **NOT_MADE), "", None) for each in HAS_NO_PLACE),
    ],
)
def test_each_cause_of_rotation(seen: ObservedCredentials, asked: str, cause: RotationReason | None) -> None:
    assert seen.rotation_due(asked) is cause


@pytest.mark.parametrize(
    ("seen", "is_settled"),
    [
        (observed_credentials(), True),
        (observed_credentials(is_current=False), False),
        (observed_credentials(secret=SecretState.NO_CLUSTER), True),
        (observed_credentials(secret=SecretState.NO_CLUSTER, **NOT_MADE), True),
        *(
            (observed_credentials(secret=each), False)
            for each in SecretState
            if each not in {SecretState.OWN, SecretState.NO_CLUSTER}
        ),
    ],
)
def test_settled_means_nothing_is_left(seen: ObservedCredentials, is_settled: bool) -> None:
    assert seen.is_up_to_date("") is is_settled


def test_first_credentials_are_made() -> None:
    plan = plan_for(ASKING, seeing(observed_credentials(secret=SecretState.ABSENT, **NOT_MADE)))

    assert plan.actions == (rotation(NONE, request="monday"),)
    assert plan.events == ()


def test_credentials_of_a_known_workspace_are_reported() -> None:
    known = resource(status={"workspaceID": 7}, annotations=ASKING.annotations)

    plan = plan_for(known, seeing(observed_credentials(secret=SecretState.ABSENT, **NOT_MADE)))

    assert [(event.reason, event.warning) for event in plan.events] == [("CredentialsCreated", False)]


@pytest.mark.parametrize(
    "lacking",
    [observed_credentials(secret=SecretState.ABSENT, is_current=False), observed_credentials(is_current=False)],
)
def test_secret_of_new_credentials_is_waited_for(lacking: ObservedCredentials) -> None:
    plan = plan_for(resource(), seeing(replace(lacking, is_recent=True)))

    assert (plan.actions, plan.requeue) == ((), True)
    assert plan.status is not None
    assert plan.status["conditions"][0]["reason"] == "Progressing"


@pytest.mark.parametrize(
    ("asking", "seen", "cause", "warning"),
    [
        (ASKING, observed_credentials(), REQUESTED, False),
        (resource(), observed_credentials(secret=SecretState.ABSENT, is_current=False), ABSENT, True),
        (resource(), observed_credentials(is_current=False), DIFFERS, True),
    ],
)
def test_rotation_is_reported_with_its_cause(asking: Any, seen: Any, cause: RotationReason, warning: bool) -> None:
    plan = plan_for(asking, seeing(seen))

    assert plan.actions == (rotation(cause, request=asking.rotation_request),)
    assert [(event.reason, event.warning) for event in plan.events] == [("CredentialsRotated", warning)]
    assert "team-a/shop-credentials" in plan.events[0].message


def test_handled_request_stays_handled() -> None:
    plan = plan_for(resource(), seeing(observed_credentials(is_current=False, request="monday")))

    assert plan.actions == (rotation(DIFFERS, request="monday"),)


def test_grace_is_that_of_the_spec() -> None:
    asking = replace(ASKING, desired=replace(desired(), rotation_grace=timedelta(seconds=60)))

    plan = plan_for(asking, seeing(observed_credentials()))

    assert plan.actions == (rotation(REQUESTED, request="monday", grace=timedelta(seconds=60)),)


def test_long_requests_are_cut() -> None:
    asking = resource(annotations={ROTATE_CREDENTIALS_AT: "\0" + "x" * 300})

    assert asking.rotation_request == "x" * 256
    assert plan_for(asking, seeing(observed_credentials(request="x" * 256))).actions == ()


def test_inherited_secret_keeps_its_credentials() -> None:
    plan = plan_for(resource(), seeing(observed_credentials(secret=SecretState.INHERITED)))

    assert plan.actions == (ClaimSecret(workspace_id=7),)
    assert plan.events == ()


@pytest.mark.parametrize(
    ("state", "reason"),
    [(SecretState.FOREIGN, "CredentialsConflict"), (SecretState.REFUSED, "CredentialsRefused")],
)
def test_secret_out_of_reach_is_stalled(state: SecretState, reason: str) -> None:
    plan = plan_for(resource(), seeing(observed_credentials(secret=state, is_current=False)))

    assert plan.actions == ()
    assert plan.requeue
    assert conditions(dict(plan.status or {})) == {
        "Ready": ("False", reason),
        "Stalled": ("True", reason),
        "IdentifiersApplied": ("True", "InForce"),
    }


def test_foreign_secret_holds_up_nothing_else() -> None:
    recoloured = resource(desired=desired(color="000000"))

    plan = plan_for(recoloured, seeing(observed_credentials(secret=SecretState.FOREIGN)))

    assert isinstance(plan.actions[0], UpdateSettings)


def test_blocked_migration_stays_reported_in_conflict() -> None:
    observed = ObservedState(
        workspace=stored(mode=Mode.ID_ONLY),
        migration=blocked(),
        credentials=observed_credentials(secret=SecretState.FOREIGN),
    )

    status = status_for(resource(desired=desired(Mode.EMAIL_OR_ID)), observed)

    assert conditions(status)["Ready"] == ("False", "CredentialsConflict")
    assert "3 of 100 people block the change" in message(status, "IdentifiersApplied")


def test_conflict_says_the_ways_out() -> None:
    words = message(status_for(resource(), seeing(observed_credentials(secret=SecretState.FOREIGN))))

    assert "Delete that Secret, or hand it over" in words
    assert (
        "kubectl label --overwrite secret shop-credentials -n team-a app.kubernetes.io/managed-by=workspace-operator"
        in words
    )


@pytest.mark.parametrize("state", [SecretState.FOREIGN, SecretState.REFUSED])
def test_longest_names_are_reported_whole(state: SecretState) -> None:
    longest = resource(namespace="n" * 63, name="n" * 241)

    words = message(
        status_for(
            longest,
            ObservedState(
                workspace=stored(owner=longest.owner("cluster-1")), credentials=observed_credentials(secret=state)
            ),
        )
    )

    assert words.endswith("within a minute.")


def test_status_reports_where_and_until_when() -> None:
    seen = observed_credentials(rotated_at=NOW + timedelta(microseconds=7), previous_valid_until=LATER)

    assert status_for(resource(), seeing(seen))["credentials"] == {
        "secretName": "shop-credentials",
        "rotationTime": "2026-05-01T12:00:00Z",
        "previousExpirationTime": "2026-05-01T12:10:00Z",
    }


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (observed_credentials(**NOT_MADE, secret=SecretState.FOREIGN), None),
        (observed_credentials(secret=SecretState.FOREIGN, is_current=False), {"rotationTime": "2026-05-01T12:00:00Z"}),
        (
            observed_credentials(secret=SecretState.NO_CLUSTER, is_current=False),
            {"rotationTime": "2026-05-01T12:00:00Z"},
        ),
    ],
)
def test_status_names_no_other_secret(seen: ObservedCredentials, shown: Any) -> None:
    assert status_for(resource(), seeing(seen)).get("credentials") == shown


def test_absent_store_keeps_what_was_reported() -> None:
    before = status_for(resource(), seeing(observed_credentials()))

    plan = plan_for(resource(status=before), StoreUnreachable(), now=LATER)

    assert plan.status is not None
    assert plan.status["credentials"] == before["credentials"]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (observed_credentials(), "Every setting is in force."),
        (observed_credentials(secret=SecretState.NO_CLUSTER), "Every setting is in force."),
        (
            observed_credentials(secret=SecretState.NO_CLUSTER, **NOT_MADE),
            (
                "Every setting is in force. The workspace has no credentials yet: create them with `workspacectl "
                "credentials create --workspace team-a/shop`."
            ),
        ),
    ],
)
def test_without_a_cluster_the_way_is_reported(seen: ObservedCredentials, words: str) -> None:
    status = status_for(resource(), seeing(seen))

    assert conditions(status)["Ready"] == ("True", "InForce")
    assert message(status) == words
