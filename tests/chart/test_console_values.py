"""Values of the web console: how browsers reach it, and how people sign in, wherever it runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.chart.charts import chart_objects

CONSOLE: Mapping[str, Any] = {
    "url": "https://console.example.com",
    "trustedProxies": ["10.244.0.0/16", "10.0.0.7"],
    "undoDays": 0,
    "oidc": {"issuer": "https://id.example", "clientID": "console", "clientSecret": {"name": "sign-in", "key": "s"}},
}
FOR_ALL = {"WORKSPACE_OPERATOR_UNDO_DAYS": "0"}
FOR_WORKERS = FOR_ALL | {"WORKSPACE_OPERATOR_CONSOLE_URL": "https://console.example.com"}
FOR_BROWSERS = FOR_WORKERS | {
    "WORKSPACE_OPERATOR_TRUSTED_PROXY": "10.244.0.0/16 10.0.0.7",
    "WORKSPACE_OPERATOR_OIDC_ISSUER": "https://id.example",
    "WORKSPACE_OPERATOR_OIDC_CLIENT_ID": "console",
    "WORKSPACE_OPERATOR_OIDC_CLIENT_SECRET_FILE": "/etc/workspace-operator/oidc/s",
}
POSTGRESQL = {"database": {"type": "PostgreSQL"}}
POLICY = {"networkPolicy": {"enabled": True, "ingressNamespaces": ["gateways"], "oidcPorts": [8443]}}


def settings(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    """The variables of a Deployment's program that have values, but for that of its database."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    return {name: value for name, value in given.items() if name != "WORKSPACE_OPERATOR_DATABASE"}


def deployments(found: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {each["metadata"]["name"]: each for each in found if each["kind"] == "Deployment"}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, {"workspace-operator": FOR_BROWSERS}),
        (
            POSTGRESQL,
            {"workspace-operator": FOR_WORKERS, "workspace-api": FOR_ALL, "workspace-console": FOR_BROWSERS},
        ),
        (
            POSTGRESQL | {"worker": {"enabled": True}},
            {
                "workspace-operator": FOR_ALL,
                "workspace-api": FOR_ALL,
                "workspace-console": FOR_BROWSERS,
                "workspace-worker": FOR_WORKERS,
            },
        ),
        (
            {"console": dict(CONSOLE) | {"enabled": False}},
            {"workspace-operator": FOR_WORKERS},
        ),
    ],
    ids=["SQLite", "PostgreSQL", "worker", "no console"],
)
def test_pods_have_the_settings_that_they_use(
    helm: Path, values: Mapping[str, Any], wanted: Mapping[str, Mapping[str, str]]
) -> None:
    found = deployments(chart_objects(helm, {"console": CONSOLE, **values}))

    assert {name: settings(deployment) for name, deployment in found.items()} == wanted


@pytest.mark.parametrize(
    ("values", "name"), [({}, "workspace-operator"), (POSTGRESQL, "workspace-console")], ids=["SQLite", "PostgreSQL"]
)
def test_client_secret_is_mounted_where_people_sign_in(helm: Path, values: Mapping[str, Any], name: str) -> None:
    found = deployments(chart_objects(helm, {"console": CONSOLE, **values}))

    mounting = [
        each
        for each, deployment in found.items()
        for volume in deployment["spec"]["template"]["spec"]["volumes"]
        if volume.get("secret", {}).get("secretName") == "sign-in"
    ]
    pod = found[name]["spec"]["template"]["spec"]
    assert mounting == [name]
    assert pod["securityContext"]["fsGroup"] == 65532
    assert {"name": "oidc", "mountPath": "/etc/workspace-operator/oidc", "readOnly": True} in pod["containers"][0][
        "volumeMounts"
    ]


def test_network_policy_lets_proxies_in_and_the_provider_out(helm: Path) -> None:
    found = chart_objects(helm, POSTGRESQL | POLICY | {"console": CONSOLE})

    (policy,) = [
        each["spec"]
        for each in found
        if (each["kind"], each["metadata"]["name"]) == ("NetworkPolicy", "workspace-console")
    ]
    (rule,) = [each for each in policy["ingress"] if each["ports"] == [{"port": "http"}]]
    (source,) = rule["from"]
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "gateways"}
    assert [port["port"] for each in policy["egress"] for port in each["ports"]] == [53, 53, 5432, 8443]


def test_without_ingress_namespaces_no_pod_reaches_the_console(helm: Path) -> None:
    policies = {"networkPolicy": {"enabled": True, "ingressNamespaces": []}}
    found = chart_objects(helm, policies)

    (policy,) = [each["spec"] for each in found if each["kind"] == "NetworkPolicy"]
    assert [port["port"] for each in policy["ingress"] for port in each["ports"]] == ["api", "health"]
