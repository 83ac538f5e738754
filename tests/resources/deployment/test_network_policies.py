"""NetworkPolicies allow what the pods need, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.resources.deployment.kustomizations import overlay
from tests.resources.deployment.test_manifests import rendered

ALWAYS = [53, 53, 443, 6443]
DATABASE = [5432]
SMTP = [25, 465, 587]


@pytest.mark.parametrize(
    ("base", "components", "ports"),
    [
        ("sqlite", ("network-policies",), ALWAYS),
        ("sqlite", ("sending", "network-policies", "network-policies/sending"), ALWAYS + SMTP),
        ("postgres", ("network-policies", "network-policies/api"), ALWAYS + DATABASE),
        (
            "postgres",
            ("worker", "network-policies", "network-policies/api", "network-policies/worker"),
            ALWAYS + DATABASE,
        ),
    ],
    ids=["SQLite", "SQLite that sends", "PostgreSQL", "PostgreSQL with a worker that sends"],
)
def test_operator_reaches_what_it_uses(
    tmp_path: Path, base: str, components: tuple[str, ...], ports: list[int]
) -> None:
    policies = policies_of(overlay(tmp_path / "made", f"overlays/{base}", components=components))

    assert reached_ports(policies["workspace-operator"]) == ports


def policies_of(folder: Path) -> dict[str, Any]:
    """What the NetworkPolicies of a kustomization say, by name."""
    found = yaml.safe_load_all(rendered(folder))
    return {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "NetworkPolicy"}


def reached_ports(policy: Any) -> list[int]:
    return [port["port"] for rule in policy["egress"] for port in rule["ports"]]


def reaching_namespaces(policy: Any, port: str) -> list[str]:
    """The namespaces whose pods may reach a port; a rule without any lets all of them."""
    rules = [rule for rule in policy["ingress"] if {"port": port} in rule["ports"]]
    selected = [each["namespaceSelector"]["matchLabels"] for rule in rules for each in rule.get("from", [])]
    return [labels["kubernetes.io/metadata.name"] for labels in selected]


def test_only_the_ingress_controller_reaches_the_console(tmp_path: Path) -> None:
    alone = policies_of(
        overlay(
            tmp_path / "alone",
            "overlays/postgres",
            components=("network-policies", "network-policies/api", "network-policies/console"),
        )
    )["workspace-console"]
    together = policies_of(overlay(tmp_path / "together", "overlays/sqlite", components=("network-policies",)))

    assert reaching_namespaces(alone, "http") == ["ingress-nginx"]
    assert reaching_namespaces(alone, "health") == ["monitoring"]
    assert reached_ports(alone) == [53, 53, *DATABASE]
    assert reaching_namespaces(together["workspace-operator"], "console") == ["ingress-nginx"]


def test_console_with_a_company_sign_in_reaches_the_provider(tmp_path: Path) -> None:
    components = tuple(f"network-policies{folder}" for folder in ("", "/api", "/console", "/company-sign-in"))

    found = policies_of(overlay(tmp_path / "made", "overlays/postgres", components=components))["workspace-console"]

    assert reached_ports(found) == [53, 53, *DATABASE, 443]
