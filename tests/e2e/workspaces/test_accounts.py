"""Accounts on a real API server: limits, people, the first workspace."""

from datetime import datetime
from typing import Any

import pytest

from tests.controlplane.failures import KubectlFailed
from tests.e2e.fixtures import ACCOUNTS, NamespaceEnv, conditions
from tests.e2e.waiting import wait_until

OPTIONS = ("--first-workspace-after", "3")


def test_people_of_an_account_come_into_the_store(env: NamespaceEnv) -> None:
    members = [{"email": "cy@shop.example", "workspaces": ["shop"], "role": "Author"}, {"email": "dee@shop.example"}]
    env.apply_account(admins=["Ada@shop.example"], members=members, plan={"workspaceLimit": 3})

    document = env.wait_for_account("InForce")

    account = env.stored_account()
    assert account is not None
    assert account.settings.admins == ("Ada@shop.example",)
    assert [(each.email, each.role, sorted(each.workspaces)) for each in account.settings.members] == [
        ("cy@shop.example", "Author", ["shop"]),
        ("dee@shop.example", "Viewer", []),
    ]
    assert document["status"]["usage"] == {"workspaces": 0, "people": 0, "messagesSent": 0}
    assert list(conditions(document)) == ["Ready"]
    printed = env.kubectl("get", "wsacc", "-n", env.namespace).splitlines()
    assert printed[1].split()[:5] == ["team", "True", "InForce", "0", "3"]


def test_workspace_over_the_limit_waits_for_a_place(env: NamespaceEnv) -> None:
    env.apply_account(plan={"workspaceLimit": 1})
    env.wait_for_account("InForce")
    env.apply("first", accountName="team")
    number = env.wait_until_ready("first")["status"]["workspaceID"]

    env.apply("second", accountName="team")
    env.wait_for_reason("PlanLimitReached", "second")
    env.delete("first")
    released = f'{number} "first" ({env.namespace}/first, released)'
    refused = env.wait_until(lambda each: released in conditions(each)["Ready"]["message"], "second", within=30)

    assert {"Ready", "Stalled"} <= conditions(refused).keys()
    assert env.stored_names() == ["first"]
    command = f"workspaces delete {number} --confirm-name first"
    assert f"`workspacectl {command}`" in conditions(refused)["Ready"]["message"]
    env.operator.workspacectl(*command.split())
    env.wait_until_ready("second", within=90)
    wait_until(
        lambda: env.wait_for_account("InForce")["status"]["usage"] == {"workspaces": 1, "people": 0, "messagesSent": 0}
    )


def test_higher_limit_lets_a_workspace_through_at_once(env: NamespaceEnv) -> None:
    env.apply("first", accountName="team")
    env.wait_until_ready("first")
    env.apply_account(plan={"workspaceLimit": 1})
    env.wait_for_account("InForce")
    env.apply("second", accountName="team")
    env.wait_for_reason("PlanLimitReached", "second")

    env.apply_account(plan={"workspaceLimit": 2})

    env.wait_until_ready("second", within=10)


def test_deleted_account_leaves_workspaces_without_limit(env: NamespaceEnv) -> None:
    env.apply_account(plan={"workspaceLimit": 1}, admins=["ada@shop.example"])
    env.wait_for_account("InForce")
    env.apply("first", accountName="team")
    env.wait_until_ready("first")
    env.apply("second", accountName="team")
    env.wait_for_reason("PlanLimitReached", "second")

    env.kubectl("delete", ACCOUNTS, "team", "-n", env.namespace)

    env.wait_until_ready("second", within=10)
    assert env.stored_account() is None
    assert env.stored_names() == ["first", "second"]


def test_first_workspace_is_made_once(env: NamespaceEnv) -> None:
    env.apply_account("crm", displayName="The CRM", firstWorkspace="Create")

    wait_until(env.names, within=20)
    document = env.wait_until_ready("crm")
    status = wait_until(lambda: with_first_workspace(env), within=20)

    assert (document["spec"]["displayName"], document["spec"]["accountName"]) == ("The CRM", "crm")
    assert "ownerReferences" not in document["metadata"]
    assert datetime.fromisoformat(status["firstWorkspaceTime"]).tzinfo is not None
    env.delete("crm")
    env.kubectl("annotate", ACCOUNTS, "crm", "-n", env.namespace, "workspace-operator.dev/reconcile-requested-at=now")
    wait_until(lambda: with_first_workspace(env).get("lastHandledReconcileAt") == "now")
    assert env.names() == []


def test_name_of_first_workspace_is_taken(env: NamespaceEnv) -> None:
    env.apply("crm", accountName="sales")
    env.wait_until_ready("crm")

    env.apply_account("crm", firstWorkspace="Create")
    refused = env.wait_for_account("FirstWorkspaceRefused", "crm", within=20)
    env.apply("other", accountName="crm", displayName="Other")
    status = wait_until(lambda: with_first_workspace(env), within=90)

    assert "there is a Workspace crm already" in conditions(refused)["Stalled"]["message"]
    assert status["conditions"][0]["reason"] == "InForce"
    assert sorted(env.names()) == ["crm", "other"]


def with_first_workspace(env: NamespaceEnv) -> dict[str, Any]:
    """The status of the Account crm, once the question of its first workspace is settled."""
    status: dict[str, Any] = env.kubectl.json("get", ACCOUNTS, "crm", "-n", env.namespace)["status"]
    return status if "firstWorkspaceTime" in status else {}


def test_invalid_account_is_refused_with_its_field(env: NamespaceEnv) -> None:
    with pytest.raises(KubectlFailed, match=r"spec\.admins.*must be e-mail addresses and nothing else"):
        env.apply_account(admins=["nobody"])

    env.apply_account(members=[{"email": "a@x.org"}, {"email": "A@x.org"}])
    stalled = env.wait_for_account("InvalidSpec")

    message = conditions(stalled)["Stalled"]["message"]
    assert "spec.members[1].email: must not be the same address as spec.members[0].email" in message
    assert env.stored_account() is None
