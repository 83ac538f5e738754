"""What a reconcile of an Account does next, as a table (accounts §2)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.accounts.builders import (
    KEY,
    SETTINGS,
    account_plan,
    account_resource,
    observed_account,
    stored_account,
)
from tests.reconcile.builders import NOW, stored
from workspace_operator.reconcile.model.account_resources import (
    AccountResource,
    CreateFirstWorkspace,
    DesiredAccount,
    FirstWorkspaceState,
)
from workspace_operator.reconcile.model.accounts import Notices, ObservedAccount, SetAccount
from workspace_operator.reconcile.model.actions import Plan
from workspace_operator.reconcile.model.desired import InvalidSpec
from workspace_operator.reconcile.model.observed import StoreUnreachable
from workspace_operator.reconcile.model.sending import LiveSenders
from workspace_operator.reconcile.policies.accounts import needs_workspace_lookup
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import RECONCILE_REQUESTED_AT, RECREATE
from workspace_operator.sending.transports import TransportOffer

SET = SetAccount(key=KEY, row_version=1, uid="uid-1", settings=SETTINGS)
FIRST = CreateFirstWorkspace(namespace="team-a", name="acme", display_name="Acme")
NO_FIRST = DesiredAccount(settings=SETTINGS, creates_first_workspace=False)
BROKEN = InvalidSpec(problems=(Problem(path="spec.admins[0]", message="must be a valid e-mail address"),))
NOTICES = Notices(transport="bulk", sender="a@shop.example")
MAILING = DesiredAccount(settings=replace(SETTINGS, notices=NOTICES), creates_first_workspace=False)
MAILS = observed_account(account=stored_account(settings=MAILING.settings))
OFFER = TransportOffer(name="bulk", sender_domains=frozenset("*"), namespaces=frozenset({"team-a"}))
DONE = {"firstWorkspaceTime": "2026-05-01T11:02:00Z"}
ELSEWHERE = {"storeID": "store-9", "usage": {"workspaces": 2, "people": 5, "messagesSent": 1}}
YOUNG = "2026-05-01T11:59:00Z"
REFUSED = FirstWorkspaceState(refusal="the Kubernetes API answers 403")
TAKEN = FirstWorkspaceState(is_taken=True)


@pytest.mark.parametrize(
    ("resource", "observed", "first", "action"),
    [
        ({}, {"account": None}, {}, SET),
        ({}, {"account": stored_account(uid="uid-0")}, {}, SET),
        ({}, {"account": stored_account(settings=replace(SETTINGS, workspace_limit=None))}, {}, SET),
        ({}, {}, {}, FIRST),
        ({}, {"workspaces": (stored(),)}, {}, None),
        ({}, {}, {"is_named": True}, None),
        ({}, {}, {"refusal": "403"}, None),
        ({}, {}, {"is_taken": True}, None),
        ({"status": DONE}, {}, {}, None),
        ({"created_at": YOUNG}, {}, {}, None),
        ({"created_at": ""}, {}, {}, None),
        ({"desired": NO_FIRST}, {}, {}, None),
        ({"desired": BROKEN}, {"account": None}, {}, None),
        ({"status": ELSEWHERE}, {"account": None}, {}, None),
        ({"status": ELSEWHERE, "annotations": {RECREATE: "store-0"}}, {"account": None}, {}, None),
        ({"status": ELSEWHERE, "annotations": {RECREATE: "store-9"}}, {"account": None}, {}, SET),
        ({"deleting": True}, {"account": None}, {}, None),
    ],
    ids=[
        *("no account in the store", "an earlier resource's account", "other settings", "first workspace due"),
        *(
            "it has a workspace",
            "a resource names it",
            "creation refused",
            "name taken",
            "made before",
            "younger than 2 minutes",
        ),
        *("without a cluster", "none wanted", "invalid spec"),
        *("another database", "another one given up", "the database given up", "being deleted"),
    ],
)
def test_next_action_follows_from_what_is_observed(
    resource: dict[str, Any], observed: dict[str, Any], first: dict[str, Any], action: object
) -> None:
    plan = account_plan(account_resource(**resource), observed_account(**observed), FirstWorkspaceState(**first))

    assert plan.actions == (() if action is None else (action,))
    assert not plan.actions or plan == Plan(actions=plan.actions, events=plan.events)
    assert [event.reason for event in plan.events if plan.actions] == ["FirstWorkspaceCreated"] * (action == FIRST)


@pytest.mark.parametrize(
    ("resource", "observed", "first", "reason"),
    [
        (account_resource(), observed_account(workspaces=(stored(),)), FirstWorkspaceState(), "InForce"),
        (account_resource(desired=BROKEN), observed_account(), FirstWorkspaceState(), "InvalidSpec"),
        (account_resource(), StoreUnreachable(), FirstWorkspaceState(), "StoreUnavailable"),
        (account_resource(status=ELSEWHERE), observed_account(), FirstWorkspaceState(), "StoreReplaced"),
        (account_resource(status=ELSEWHERE, desired=BROKEN), observed_account(), REFUSED, "StoreReplaced"),
        (account_resource(status=ELSEWHERE), StoreUnreachable(), FirstWorkspaceState(), "StoreUnavailable"),
        (account_resource(), observed_account(), REFUSED, "FirstWorkspaceRefused"),
        (account_resource(), observed_account(), TAKEN, "FirstWorkspaceRefused"),
        (account_resource(), observed_account(), replace(TAKEN, is_named=True), "InForce"),
        (account_resource(), observed_account(), replace(REFUSED, is_named=True), "InForce"),
        (account_resource(desired=MAILING), MAILS, FirstWorkspaceState(), "InForce"),
        (
            account_resource(desired=MAILING),
            replace(MAILS, senders=LiveSenders(with_key=1, offers=(OFFER,))),
            FirstWorkspaceState(),
            "InForce",
        ),
        (
            account_resource(desired=MAILING),
            replace(MAILS, senders=LiveSenders(with_key=1)),
            REFUSED,
            "TransportUnknown",
        ),
    ],
    ids=[
        *("in force", "invalid", "store away"),
        *("another database", "another database and invalid", "store away after another database"),
        *("first workspace refused", "name taken", "it came meanwhile"),
        *("made by another", "no sender runs", "transport offered", "transport not offered"),
    ],
)
def test_ready_has_the_reason_of_the_outcome(
    resource: AccountResource, observed: ObservedAccount | StoreUnreachable, first: FirstWorkspaceState, reason: str
) -> None:
    status = account_plan(resource, observed, first).status

    assert status is not None
    assert status["conditions"][0]["reason"] == reason


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [
        (
            'User "x" cannot create resource "workspaces"',
            "or allow the operator to create workspaces (the rule is in m",
        ),
        (
            "unable to create new content in namespace x because it is being terminated",
            "or remove the cause. The opera",
        ),
    ],
    ids=["no right", "another cause"],
)
def test_refusal_names_rbac_only_for_a_missing_right(refusal: str, advice: str) -> None:
    status = account_plan(account_resource(), observed_account(), FirstWorkspaceState(refusal=refusal)).status

    assert status is not None
    message = status["conditions"][0]["message"]
    assert message.startswith(f"The first workspace was not created: {refusal}. ")
    assert advice in message
    assert ("manifests/rbac" in message) is ("cannot create resource" in refusal)


def test_status_keeps_the_database_that_is_missing() -> None:
    annotations = {RECONCILE_REQUESTED_AT: "now"}

    status = account_plan(account_resource(status=ELSEWHERE, annotations=annotations), observed_account()).status

    assert status is not None
    assert {name: value for name, value in status.items() if name in ELSEWHERE} == ELSEWHERE
    assert "lastHandledReconcileAt" not in status
    assert status["conditions"][0]["message"] == (
        "This Account is in force in the database store-9, but the operator uses the database store-1, to which "
        "nothing was written. It may be the wrong one: once it is the right one, the operator continues. To give the "
        "database store-9 up and put the settings in force in this one, set the annotation "
        'workspace-operator.dev/recreate: "store-9".'
    )


def test_database_that_was_given_up_is_forgotten() -> None:
    resource = account_resource(status=ELSEWHERE, annotations={RECREATE: "store-9"})

    status = account_plan(resource, observed_account(workspaces=(stored(),))).status

    assert status is not None
    assert (status["storeID"], status["conditions"][0]["reason"]) == ("store-1", "InForce")


def test_account_is_woken_when_its_first_workspace_is_due() -> None:
    young = account_resource(created_at=YOUNG)

    assert account_plan(young, observed_account()).wake_after == 60.0
    assert account_plan(young, observed_account(workspaces=(stored(),))).wake_after is None
    assert account_plan(young, StoreUnreachable()).wake_after is None
    assert account_plan(account_resource(desired=NO_FIRST), observed_account()).wake_after is None


@pytest.mark.parametrize(
    ("values", "asks"),
    [({}, True), ({"created_at": YOUNG}, False), ({"status": DONE}, False), ({"deleting": True}, False)],
)
def test_cluster_is_asked_only_when_a_workspace_is_due(values: dict[str, Any], asks: bool) -> None:
    assert needs_workspace_lookup(account_resource(**values), observed_account(), NOW) is asks


@pytest.mark.parametrize(
    ("observed", "first", "noted"),
    [
        ({}, {"is_named": True}, "2026-05-01T12:00:00Z"),
        ({"workspaces": (stored(),)}, {}, "2026-05-01T12:00:00Z"),
        ({}, {"refusal": "403"}, None),
    ],
    ids=["a resource names it", "one is in the store", "refused"],
)
def test_first_workspace_is_noted_once(observed: dict[str, Any], first: dict[str, Any], noted: str | None) -> None:
    status = account_plan(account_resource(), observed_account(**observed), FirstWorkspaceState(**first)).status

    assert (status or {}).get("firstWorkspaceTime") == noted


def test_noted_time_stays() -> None:
    status = account_plan(account_resource(status=DONE), observed_account(workspaces=(stored(),))).status

    assert (status or {})["firstWorkspaceTime"] == DONE["firstWorkspaceTime"]


def test_first_workspace_has_no_owner() -> None:
    assert FIRST.as_manifest()["metadata"] == {"name": "acme", "namespace": "team-a"}
    assert FIRST.as_manifest()["spec"] == {"displayName": "Acme", "accountName": "acme"}
