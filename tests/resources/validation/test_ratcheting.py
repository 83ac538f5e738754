"""A resource that is older than a rule for new values is changed, suspended and deleted on a real kube-apiserver."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.e2e.waiting import wait_until
from tests.resources.cases.manifest_texts import workspace
from workspace_operator.resources.rules import RULES_FOR_NEW_VALUES
from workspace_operator.resources.schema import definition

OLD = r"""
displayName: "Shop\u200b"
sendBehavior: {mode: Test, testAddress: a@b@c.dd}
sending: {from: nobody}
"""
MESSAGES = [rule.message for rule in RULES_FOR_NEW_VALUES]


def before_the_rules() -> dict[str, Any]:
    """The definition without the rules for new values."""
    document: dict[str, Any] = json.loads(json.dumps(definition()))
    spec = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    sender = spec["sending"]["properties"]["from"]
    for field in (spec["displayName"], spec["sendBehavior"]["properties"]["testAddress"], sender):
        del field["x-kubernetes-validations"]
    return document


def refusal(kubectl: Kubectl, *arguments: str, text: str | None = None) -> str:
    try:
        kubectl(*arguments, input=text)
    except KubectlFailed as failure:
        return failure.stderr
    return ""


def is_refused(kubectl: Kubectl) -> bool:
    """Whether the rules of the newest definition are asked already; the API server takes a moment."""
    said = refusal(kubectl, "create", "--dry-run=server", "-f", "-", text=workspace(OLD, "name: probe"))
    return all(message in said for message in MESSAGES)


@pytest.fixture
def old(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """A cluster whose resource ``shop`` breaks both rules, which came after it."""
    kubectl("apply", "-f", "-", input=json.dumps(before_the_rules()))
    wait_until(lambda: refusal(kubectl, "apply", "-f", "-", text=workspace(OLD)) == "")
    kubectl("apply", "-k", str(request.config.rootpath / "crds"))
    wait_until(lambda: is_refused(kubectl))
    yield kubectl
    kubectl("delete", "ws", "shop", "--ignore-not-found")


def test_old_resource_can_be_changed_and_suspended(old: Kubectl) -> None:
    old("patch", "ws", "shop", "--type=merge", "--patch", '{"spec": {"color": "112233"}}')
    old("patch", "ws", "shop", "--type=merge", "--patch", '{"spec": {"suspend": true}}')
    old("apply", "-f", "-", input=workspace(f"{OLD}\nopenTracking: Disabled"))
    old("patch", "ws", "shop", "--subresource=status", "--type=merge", "--patch", '{"status":{"observedGeneration":1}}')
    old("annotate", "ws", "shop", "workspace-operator.dev/reconcile-requested-at=now")

    spec = old.json("get", "ws", "shop")["spec"]
    assert spec["suspend"] is True
    assert (spec["displayName"], spec["color"], spec["openTracking"]) == ("Shop\u200b", "112233", "Disabled")


def test_old_resource_can_be_deleted(old: Kubectl) -> None:
    old("patch", "ws", "shop", "--type=merge", "--patch", '{"metadata": {"finalizers": ["example.com/hold"]}}')
    old("delete", "ws", "shop", "--wait=false")
    old("patch", "ws", "shop", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')

    assert "NotFound" in refusal(old, "get", "ws", "shop")


def test_other_values_that_break_the_rules_are_refused(old: Kubectl) -> None:
    behavior = {"mode": "Test", "testAddress": "a@b@d.ee"}
    changes = {"displayName": "Shop\u200c", "sendBehavior": behavior, "sending": {"from": "somebody"}}

    said = refusal(old, "patch", "ws", "shop", "--type=merge", "--patch", json.dumps({"spec": changes}))

    assert [message for message in MESSAGES if message not in said] == []


def test_values_are_fixed_one_by_one(old: Kubectl) -> None:
    old("patch", "ws", "shop", "--type=merge", "--patch", '{"spec": {"displayName": "Shop"}}')

    assert old.json("get", "ws", "shop")["spec"]["sendBehavior"]["testAddress"] == "a@b@c.dd"
