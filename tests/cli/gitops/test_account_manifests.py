"""``apply`` and ``plan`` with Accounts among the manifests (accounts §2)."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Result, Run, write
from workspace_operator.reconcile.status.account_messages import first_workspace_planned
from workspace_operator.resources.workspaces import API_VERSION

ACCOUNT = ("NAMESPACE", "ACCOUNT", "READY", "REASON", "WORKSPACES", "LIMIT")


def write_account(file: str = "account.yaml", name: str = "default", **spec: Any) -> None:
    document = {"apiVersion": API_VERSION, "kind": "Account", "metadata": {"name": name}}
    Path(file).write_text(yaml.safe_dump(document | {"spec": {"displayName": "Team", **spec}}))


@pytest.fixture
def both(run: Run) -> Run:
    """Two Workspaces, and an Account with one place."""
    write("a.yaml", "a", "A")
    write("b.yaml", "b", "B")
    write_account("z.yaml", plan={"workspaceLimit": 1}, admins=["ada@shop.example"])
    return run


def test_account_holds_back_workspaces_of_the_same_apply(both: Run) -> None:
    done = both("apply", "-f", ".")

    lines = [line.split() for line in done.out.splitlines()]
    assert done.code == 3
    assert tuple(lines[0]) == ACCOUNT
    assert lines[1] == ["default", "default", "True", "InForce", "1", "1"]
    assert [line[1:4] for line in lines[3:5]] == [["a", "True", "InForce"], ["b", "False", "PlanLimitReached"]]
    assert 'default/b: The account "default" has 1 of at most 1 workspaces' in done.out
    assert done.err == "new workspaces: default/a\n"


def test_apply_of_accounts_alone_prints_one_table(run: Run) -> None:
    write_account(firstWorkspace="None")

    done = run("apply", "-f", "account.yaml")

    assert [line.split() for line in done.out.splitlines()] == [
        list(ACCOUNT),
        ["default", "default", "True", "InForce", "0", "-"],
    ]


def test_plan_shows_what_the_apply_would_do(both: Run) -> None:
    planned = both("plan", "-f", ".")

    assert planned.code == 3
    assert planned.out.splitlines()[:4] == [
        "Account default/default: would change",
        "  set spec.displayName to Team",
        "  set spec.plan.workspaceLimit to 1",
        "  set spec.admins to ada@shop.example",
    ]
    assert "default/b: would be blocked (PlanLimitReached)" in planned.out


def test_plan_of_a_new_account_shows_its_first_workspace(run: Run) -> None:
    write_account(name="crm")

    planned = run("plan", "-f", "account.yaml")

    assert planned.out.splitlines()[:4] == [
        "Account default/crm: would change",
        "  set spec.displayName to Team",
        '  create the first workspace "crm"',
        f"  → {first_workspace_planned('crm')}",
    ]


@pytest.mark.parametrize(
    ("account", "other"), [({"firstWorkspace": "None"}, ""), ({}, "  accountName: crm")], ids=["None", "named"]
)
def test_plan_without_first_workspace_shows_none(run: Run, account: dict[str, Any], other: str) -> None:
    write_account(name="crm", **account)
    write("other.yaml", "other", "Other", more=other)

    assert "first workspace" not in run("plan", "-f", ".").out


@pytest.mark.parametrize("is_applied_before", [False, True])
def test_plan_says_that_the_name_of_the_first_workspace_is_taken(run: Run, is_applied_before: bool) -> None:
    write("crm.yaml", "crm", "CRM")
    write_account(name="crm")
    if is_applied_before:
        run("apply", "-f", "crm.yaml")

    planned = run("plan", "-f", "account.yaml" if is_applied_before else ".").out

    assert "  → The account default/crm has no workspace yet, and the Workspace crm names another account" in planned
    assert "create the first workspace" not in planned


def test_plan_says_that_the_account_is_over_its_new_limit(run: Run) -> None:
    for name in ("a", "b", "c"):
        write(f"{name}.yaml", name, name.upper())
    run("apply", "-f", ".")
    write_account(plan={"workspaceLimit": 1})
    sentence = "The account has 3 of 1 workspaces; they stay, and no new one is created."

    planned = run("plan", "-f", "account.yaml")
    applied = run("apply", "-f", "account.yaml", "-o", "json")

    [account] = json.loads(applied.out)
    assert planned.out.splitlines()[3] == f"  → {sentence}"
    assert account["status"]["conditions"][0]["message"] == f"Every setting is in force. {sentence}"


def test_plan_after_the_apply_has_nothing_to_do(run: Run) -> None:
    members = [{"email": "cy@shop.example", "role": "Author", "workspaces": ["crm"]}, {"email": "dee@shop.example"}]
    write_account(members=members, notices={"transport": "bulk", "from": "Shop <a@shop.example>"})
    before = run("plan", "-f", "account.yaml")
    run("apply", "-f", "account.yaml")

    done = run("plan", "-f", "account.yaml", "-o", "json")

    [planned] = json.loads(done.out)["resources"]
    assert (done.code, planned["kind"], planned["name"], planned["steps"]) == (0, "Account", "default", [])
    assert "set spec.members to cy@shop.example (Author: crm), dee@shop.example (Viewer: no workspace)" in before.out
    assert "set spec.notices.from to Shop <a@shop.example>" in before.out


def test_first_workspace_is_printed_as_manifest(run: Run) -> None:
    write_account(name="crm")

    done = run("apply", "-f", "account.yaml")

    headline, _, text = done.err.partition("\n---\n")
    assert headline == "the account default/crm has no workspace yet; the manifest of its first one:"
    assert yaml.safe_load(text)["spec"] == {"displayName": "Team", "accountName": "crm"}
    Path("first.yaml").write_text(text)
    assert run("apply", "-f", "first.yaml").code == 0
    assert run("apply", "-f", "account.yaml").err == ""


@pytest.mark.parametrize("is_applied_before", [False, True])
def test_taken_name_of_first_workspace_is_told(run: Run, is_applied_before: bool) -> None:
    write("crm.yaml", "crm", "CRM")
    write_account(name="crm")
    if is_applied_before:
        run("apply", "-f", "crm.yaml")

    done = run("apply", "-f", "account.yaml" if is_applied_before else ".")

    assert "The account default/crm has no workspace yet, and the Workspace crm names another account" in done.err
    assert "another name and accountName crm, or set spec.firstWorkspace of the Account to None" in done.err
    assert "apiVersion" not in done.err


@pytest.mark.parametrize(
    "spec", [{"firstWorkspace": "None"}, {"admins": ["a@x.org", "A@x.org"]}], ids=["None", "invalid"]
)
def test_no_first_workspace_is_printed_otherwise(run: Run, spec: dict[str, Any]) -> None:
    write_account(name="crm", **spec)

    assert "manifest of its first one" not in run("apply", "-f", "account.yaml").err


@pytest.mark.parametrize("name", ["Not A Name", "X_", "-a", "a..b", "a" * 242])
def test_member_of_an_impossible_name_is_refused(run: Run, name: str) -> None:
    write_account(members=[{"email": "cy@shop.example", "workspaces": ["shop", name]}])

    done = run("validate", "-f", "account.yaml")

    assert done.code == 1
    assert "spec.members[0].workspaces[1]: must " in done.out
    assert len(name) > 241 or f", not {name!r}" in done.out


@pytest.mark.parametrize("name", ["shop", "shop.staging", "7", "a" * 241])
def test_member_of_a_possible_name_is_valid(run: Run, name: str) -> None:
    write_account(members=[{"email": "cy@shop.example", "workspaces": [name]}])

    assert run("validate", "-f", "account.yaml").code == 0


def test_invalid_account_is_refused_with_its_line(run: Run) -> None:
    write_account(admins=["nobody"])

    done = run("apply", "-f", "account.yaml")

    assert done.code == 1
    assert "spec.admins: must be e-mail addresses and nothing else" in done.err


def plan_without_account(run: Run, *words: str) -> Result:
    """The plan of a change that removes the Account default/default, whose workspace stays."""
    for folder in ("before", "after"):
        Path(folder).mkdir()
        write(f"{folder}/crm.yaml")
    members = [{"email": "cy@shop.example"}, {"email": "dee@shop.example"}]
    write_account("before/account.yaml", plan={"workspaceLimit": 3}, admins=["ada@shop.example"], members=members)
    assert run("apply", "-f", "before").code == 0
    return run("plan", "-f", "after", "--previous", "before", *words)


def test_removed_account_takes_limit_and_access_along(run: Run) -> None:
    done = plan_without_account(run, "-o", "json")

    [removed] = json.loads(done.out)["removed"]
    assert done.code == 2
    assert removed == {
        "kind": "Account",
        "namespace": "default",
        "name": "default",
        "workspaceID": None,
        "outcome": "changes",
        "deletionPolicy": None,
        "people": 0,
        "effect": "ended",
        "message": "limit, admins and members would end (limit 3, 1 admin and 2 members); its workspace stays.",
    }


def test_removed_account_is_in_table_and_comment(run: Run) -> None:
    comment = plan_without_account(run, "-o", "markdown").out
    table = run("plan", "-f", "after", "--previous", "before").out

    assert "Account default/default: removed: limit, admins and members would end\n  limit, admins" in table
    assert "| Account default/default | removed: limit, admins and members would end | Removed |" in comment


def test_removed_account_that_is_not_in_force_is_nothing_to_do(run: Run) -> None:
    Path("before").mkdir()
    write_account("before/account.yaml")
    write("crm.yaml")

    done = run("plan", "-f", "crm.yaml", "--previous", "before", "-o", "json")

    [removed] = json.loads(done.out)["removed"]
    assert (removed["effect"], removed["message"]) == ("none", "the database has no such Account.")


def test_removed_account_without_limit_and_people_says_so(run: Run) -> None:
    Path("before").mkdir()
    write_account("before/account.yaml", firstWorkspace="None")
    run("apply", "-f", "before")
    write("crm.yaml")

    done = run("plan", "-f", "crm.yaml", "--previous", "before")

    assert "would end (no limit, 0 admins and 0 members); its 0 workspaces stay." in done.out
