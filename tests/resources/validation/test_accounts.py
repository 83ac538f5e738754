"""Accounts: what is refused, by us and by a real kube-apiserver, and what the operator finds beyond (accounts §1)."""

import json
import re
from typing import Any

import pytest

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.e2e.waiting import succeeds, wait_until
from workspace_operator.resources.account_rules import RULES
from workspace_operator.resources.accounts import MAX_MEMBERS, AccountSpec, FirstWorkspace
from workspace_operator.resources.parsing import parse_account, validate_account_manifest, validate_manifest
from workspace_operator.resources.problems import InvalidResource
from workspace_operator.resources.schema import ACCOUNT, resource_schema
from workspace_operator.resources.statuses import DEFAULT_STATUS
from workspace_operator.resources.workspaces import API_VERSION

LONG = "a" * 64
NOTICES = {"transport": "bulk", "from": "Shop <hello@shop.example>"}
FULL = {
    "displayName": "The Shop",
    "plan": {"workspaceLimit": 5},
    "admins": ["Ada@shop.example"],
    "members": [{"email": "cy@shop.example", "workspaces": ["crm"], "role": "Manager"}, {"email": "dee@x.org"}],
    "firstWorkspace": "None",
    "notices": NOTICES,
}
BAD: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "no display name": ({"displayName": None}, "acme", {"spec.displayName"}),
    "invisible display name": ({"displayName": "a\u200b"}, "acme", {"spec.displayName"}),
    "no place at all": ({"plan": {"workspaceLimit": 0}}, "acme", {"spec.plan.workspaceLimit"}),
    "admin is no address": ({"admins": ["ada@shop.example", "nobody"]}, "acme", {"spec.admins"}),
    "member is no address": ({"members": [{"email": "a@b"}]}, "acme", {"spec.members"}),
    "one admin twice": ({"admins": ["a@x.org", "a@x.org"]}, "acme", {"spec.admins[1]"}),
    "one member twice": ({"members": [{"email": "a@x.org"}, {"email": "a@x.org"}]}, "acme", {"spec.members[1]"}),
    "unknown role": ({"members": [{"email": "a@x.org", "role": "Owner"}]}, "acme", {"spec.members[0].role"}),
    "unknown first workspace": ({"firstWorkspace": "Maybe"}, "acme", {"spec.firstWorkspace"}),
    "transport is no label": ({"notices": NOTICES | {"transport": "Bulk"}}, "acme", {"spec.notices.transport"}),
    "sender is no mailbox": ({"notices": NOTICES | {"from": "shop"}}, "acme", {"spec.notices.from"}),
    "notices without sender": ({"notices": {"transport": "bulk"}}, "acme", {"spec.notices.from"}),
    "name is too long": ({}, LONG, {"metadata.name"}),
    "name with a dot": ({}, "acme.eu", {"metadata.name"}),
}


def document(spec: dict[str, Any], name: str = "acme") -> dict[str, Any]:
    kept = {key: value for key, value in ({"displayName": "Acme"} | spec).items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": "Account", "metadata": {"name": name}, "spec": kept}


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl, request: pytest.FixtureRequest) -> Kubectl:
    kubectl("apply", "-k", str(request.config.rootpath / "crds"))
    wait_until(lambda: succeeds(lambda: kubectl("get", "wsacc")))
    return kubectl


@pytest.mark.parametrize(("spec", "name", "paths"), BAD.values(), ids=BAD)
def test_both_refuse_with_the_same_field(cluster: Kubectl, spec: dict[str, Any], name: str, paths: set[str]) -> None:
    bad = document(spec, name)

    with pytest.raises(KubectlFailed) as refused:
        cluster("apply", "--dry-run=server", "-f", "-", input=json.dumps(bad))

    said = set(re.findall(r"(?:^\* |is invalid: )([a-zA-Z][\w.\[\]]*): ", str(refused.value), re.MULTILINE))
    ours = validate_manifest(bad, resource=ACCOUNT)
    assert said == paths == {problem.path for problem in ours}
    messages = {rule.message for rule in RULES}
    assert all(problem.message in str(refused.value) for problem in ours if problem.message in messages)


def test_full_account_is_taken_and_shown(cluster: Kubectl) -> None:
    cluster("apply", "-f", "-", input=json.dumps(document(FULL)))
    try:
        read = cluster.json("get", "wsacc", "acme")
        table = cluster("get", "wsacc", "acme").splitlines()
    finally:
        cluster("delete", "wsacc", "acme")

    assert read["status"] == DEFAULT_STATUS
    assert read["spec"]["members"][1] == {"email": "dee@x.org", "workspaces": [], "role": "Viewer"}
    assert parse_account(read).spec == parse_account(document(FULL)).spec
    assert table[0].split() == ["NAME", "READY", "REASON", "WORKSPACES", "LIMIT", "AGE"]
    assert table[1].split()[:4] == ["acme", "Unknown", "Pending", "5"]


def test_most_members_are_taken(cluster: Kubectl) -> None:
    members = [{"email": f"person-{number}@shop.example"} for number in range(MAX_MEMBERS)]

    cluster("apply", "--dry-run=server", "-f", "-", input=json.dumps(document({"members": members})))

    assert validate_account_manifest(document({"members": members})) == []


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"admins": ["Ada@x.org", "ada@X.org"]},
            "spec.admins[1]: must not be the same address as spec.admins[0]",
        ),
        (
            {"members": [{"email": "a@x.org"}, {"email": "A@x.org"}]},
            "spec.members[1].email: must not be the same address as spec.members[0].email",
        ),
        ({"admins": ["a@xn--zz.org"]}, "spec.admins[0]: must be a valid e-mail address"),
    ],
    ids=["admins", "members", "no key"],
)
def test_addresses_are_compared_by_their_keys(spec: dict[str, Any], problem: str) -> None:
    assert validate_manifest(document(spec), resource=ACCOUNT) == []
    assert [str(each) for each in validate_account_manifest(document(spec))] == [problem]
    with pytest.raises(InvalidResource, match=re.escape(problem)):
        parse_account(document(spec))


def test_admin_may_be_a_member_too() -> None:
    spec = {"admins": ["a@x.org"], "members": [{"email": "a@x.org"}]}

    assert validate_account_manifest(document(spec)) == []


def test_unknown_field_of_an_account_is_named() -> None:
    [problem] = validate_account_manifest(document({"owner": "me"}))

    assert str(problem) == "spec.owner: is not a field of an Account: correct its spelling or remove it"


def test_every_field_has_a_description() -> None:
    spec = resource_schema(ACCOUNT)["properties"]["spec"]["properties"]

    assert [name for name, field in spec.items() if not field["description"].startswith(f"{name} is ")] == []


def test_defaults_give_everyone_a_first_workspace() -> None:
    spec = AccountSpec(display_name="Acme")

    assert (spec.first_workspace, spec.plan.workspace_limit, spec.notices) == (FirstWorkspace.CREATE, None, None)
