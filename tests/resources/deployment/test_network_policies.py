"""NetworkPolicies allow what the pods need, and nothing else."""

from pathlib import Path

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
    folder = overlay(tmp_path / "made", f"overlays/{base}", components=components)

    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in yaml.safe_load_all(rendered(folder))
        if each["kind"] == "NetworkPolicy"
    }
    reached = [port["port"] for rule in policies["workspace-operator"]["egress"] for port in rule["ports"]]
    assert reached == ports
