"""The values of the chart: described, strict, and each of them has an effect."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.chart.charts import chart_objects, helm_command
from tests.chart.generated import CHART, default_values, resolved, value_schema

DIGEST = f"sha256:{'ab' * 32}"
POSTGRESQL = {"database": {"type": "PostgreSQL"}}
WORKER = POSTGRESQL | {"worker": {"enabled": True}}
TOLERATION = {"key": "dedicated", "operator": "Exists"}

WRONG = {
    "unknown value": ({"databse": {}}, "databse"),
    "unknown value inside": ({"database": {"kind": "SQLite"}}, "kind"),
    "other database": ({"database": {"type": "MySQL"}}, "/database/type"),
    "URL instead of a Secret": ({"database": {"postgresql": {"url": "postgresql://u:p@h/n"}}}, "url"),
    "worker on SQLite": ({"worker": {"enabled": True}}, "/worker/enabled"),
    "database in the environment": (
        {"operator": {"extraEnv": [{"name": "WORKSPACE_OPERATOR_DATABASE", "value": "x"}]}},
        "/operator/extraEnv/0/name",
    ),
    "short digest": ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
    "number of pods as text": ({"api": {"replicas": "2"}}, "/api/replicas"),
    "no pods": ({"api": {"replicas": 0}}, "/api/replicas"),
    "scope in lower case": ({"rbac": {"scope": "namespace"}}, "/rbac/scope"),
    "policies as a boolean": ({"policies": {"mode": False}}, "/policies/mode"),
    "console over plain HTTP": ({"console": {"url": "http://console.example"}}, "/console/url"),
    "console below a path": ({"console": {"url": "https://example.com/console"}}, "/console/url"),
    "proxy by name": ({"console": {"trustedProxies": ["proxy.example"]}}, "/console/trustedProxies/0"),
    "provider without a client": (
        {"console": {"url": "https://c.example", "oidc": {"issuer": "https://id.example"}}},
        "/console/oidc/clientID",
    ),
    "undone for a year": ({"console": {"undoDays": 365}}, "/console/undoDays"),
    "port out of range": ({"networkPolicy": {"databasePorts": [70000]}}, "/networkPolicy/databasePorts/0"),
}


def schema_paths(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, given in schema.get("properties", {}).items():
        value = resolved(given)
        yield f"{path}.{name}".lstrip("."), value
        yield from schema_paths(value, f"{path}.{name}")


def default_paths(values: Mapping[str, Any], known: set[str], path: str = "") -> Iterator[str]:
    for name, value in values.items():
        below = f"{path}.{name}".lstrip(".")
        yield below
        if isinstance(value, dict) and any(each.startswith(f"{below}.") for each in known):
            yield from default_paths(value, known, below)


def test_schema_and_defaults_have_the_same_values() -> None:
    known = {path for path, _ in schema_paths(value_schema())}

    assert known - {"global"} == set(default_paths(default_values(), known))


def test_every_value_is_described_and_closed() -> None:
    for path, schema in schema_paths(value_schema()):
        assert schema["description"].endswith("."), path
        assert "properties" not in schema or schema["additionalProperties"] is False, path


def test_lint_is_strict_and_content(helm: Path) -> None:
    code, out, _ = helm_command(helm, "lint", "--strict", str(CHART))

    assert code == 0, out
    assert "[WARNING]" not in out


@pytest.mark.parametrize(("values", "named"), WRONG.values(), ids=WRONG)
def test_wrong_value_is_refused_by_name(helm: Path, values: Mapping[str, Any], named: str) -> None:
    code, _, err = helm_command(helm, "template", "trial", str(CHART), values=values)

    assert code != 0
    assert named in err


def pods(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["spec"]["template"] for each in found if each["kind"] == "Deployment"]


def containers(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        container for pod in pods(found) for kind in ("initContainers", "containers") for container in pod["spec"][kind]
    ]


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ({"repository": "registry.example/wo", "tag": "1.2.3"}, "registry.example/wo:1.2.3"),
        ({"repository": "registry.example:5000/wo", "digest": DIGEST}, f"registry.example:5000/wo@{DIGEST}"),
        ({"tag": "1.2.3", "digest": DIGEST}, f"workspace-operator@{DIGEST}"),
    ],
    ids=["tag", "digest", "both"],
)
def test_image_is_the_one_of_the_values(helm: Path, image: Mapping[str, Any], wanted: str) -> None:
    found = chart_objects(helm, WORKER | {"image": {**image, "pullPolicy": "Always", "pullSecrets": ["pull"]}})

    assert {each["image"] for each in containers(found)} == {wanted}
    assert {each["imagePullPolicy"] for each in containers(found)} == {"Always"}
    assert [pod["spec"]["imagePullSecrets"] for pod in pods(found)] == [[{"name": "pull"}]] * 4
    assert len(containers(found)) == 8


def test_settings_of_a_program_are_its_own(helm: Path) -> None:
    own = {
        "resources": {"requests": {"cpu": "2"}},
        "extraArgs": ["--log-format=json"],
        "extraEnv": [{"name": "TZ", "value": "UTC"}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [TOLERATION],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "podLabels": {"team": "a"},
        "podAnnotations": {"note": "b"},
    }

    for program in ("operator", "api", "console", "worker"):
        values = {name: dict(given) for name, given in WORKER.items()}
        values[program] = values.get(program, {}) | own
        changed = [pod for pod in pods(chart_objects(helm, values)) if pod["spec"].get("priorityClassName") == "high"]
        (pod,) = changed
        (container,) = pod["spec"]["containers"]
        assert container["name"] == program
        assert container["resources"]["requests"]["cpu"] == "2"
        assert container["args"][-1] == "--log-format=json"
        assert all({"name": "TZ", "value": "UTC"} in each["env"] for each in containers_of(pod))
        assert pod["spec"]["nodeSelector"] == {"disk": "ssd"}
        assert pod["spec"]["tolerations"] == [TOLERATION]
        assert pod["spec"]["affinity"] == {"nodeAffinity": {}}
        assert pod["metadata"]["labels"]["team"] == "a"
        assert pod["metadata"]["annotations"] == {"note": "b"}


def containers_of(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [each["kind"] for each in found]


def test_parts_can_be_left_out(helm: Path) -> None:
    everything = kinds(chart_objects(helm, {}))
    without = kinds(
        chart_objects(
            helm,
            {
                "crds": {"install": False},
                "admissionPolicy": {"enabled": False},
                "database": {"sqlite": {"existingClaim": "mine"}},
                "api": {"enabled": False},
                "console": {"enabled": False},
            },
        )
    )

    assert set(everything) - set(without) == {
        "CustomResourceDefinition",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "PersistentVolumeClaim",
        "Service",
    }


def test_api_and_console_are_left_out_of_postgresql_too(helm: Path) -> None:
    found = chart_objects(helm, POSTGRESQL | {"api": {"enabled": False}, "console": {"enabled": False}})

    (pod,) = pods(found)
    assert {"--api-address=off", "--console-address=off"} <= set(pod["spec"]["containers"][0]["args"])
    assert not {"Service", "PodDisruptionBudget"} & set(kinds(found))


@pytest.mark.parametrize(("scope", "kind"), [("Cluster", "ClusterRole"), ("Namespace", "Role")])
def test_right_to_make_workspaces_can_be_left_out(helm: Path, scope: str, kind: str) -> None:
    def rules(*, create: bool) -> list[dict[str, Any]]:
        found = chart_objects(helm, {"rbac": {"scope": scope, "createFirstWorkspaces": create}})
        roles = [each for each in found if each["kind"] == kind and each["metadata"]["name"] == "workspace-operator"]
        return list(roles[0]["rules"])

    (left_out,) = [rule for rule in rules(create=True) if rule not in rules(create=False)]

    assert (left_out["resources"], left_out["verbs"]) == (["workspaces"], ["create"])
    assert len(rules(create=False)) == len(rules(create=True)) - 1


def test_volume_is_as_ordered(helm: Path) -> None:
    for storage_class in ("local", ""):
        sqlite = {"size": "20Gi", "storageClassName": storage_class}
        (claim,) = [
            each
            for each in chart_objects(helm, {"database": {"sqlite": sqlite}})
            if each["kind"] == "PersistentVolumeClaim"
        ]
        assert claim["spec"]["storageClassName"] == storage_class
        assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"


def test_url_comes_from_the_secret_of_the_values(helm: Path) -> None:
    secret = {"name": "people", "key": "uri"}
    found = chart_objects(helm, WORKER | {"database": {"type": "PostgreSQL", "postgresql": {"secret": secret}}})

    variables = [each["env"][0] for each in containers(found)]
    assert variables == [{"name": "WORKSPACE_OPERATOR_DATABASE", "valueFrom": {"secretKeyRef": secret}}] * 8


def test_operator_sends_where_there_is_no_worker(helm: Path) -> None:
    found = chart_objects(helm, POSTGRESQL | {"sending": {"enabled": True, "smtpSecret": "mail"}})

    mounting = [
        pod["spec"]["containers"][0]["name"]
        for pod in pods(found)
        if any(volume.get("secret", {}).get("secretName") == "mail" for volume in pod["spec"]["volumes"])
    ]
    assert mounting == ["operator"]


def test_service_monitor_finds_every_pod(helm: Path) -> None:
    enabled = {"enabled": True, "labels": {"release": "prometheus"}}
    found = chart_objects(helm, WORKER | {"serviceMonitor": enabled, "prometheusRule": enabled})

    (monitor,) = [each for each in found if each["kind"] == "ServiceMonitor"]
    selected = monitor["spec"]["selector"]["matchLabels"].items()
    (service,) = [
        each for each in found if each["kind"] == "Service" and selected <= each["metadata"]["labels"].items()
    ]
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    assert len(pods(found)) == 4
    for pod in pods(found):
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        assert "health" in {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
    labelled = [each["kind"] for each in found if each["metadata"].get("labels", {}).get("release") == "prometheus"]
    assert sorted(labelled) == ["PrometheusRule", "ServiceMonitor"]


def test_dashboard_is_labelled_for_its_sidecar(helm: Path) -> None:
    found = chart_objects(helm, {"dashboard": {"enabled": True}})

    (dashboard,) = [each for each in found if each["kind"] == "ConfigMap"]
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({}, None),
        ({"rbac": {"scope": "Namespace"}}, {"kubernetes.io/metadata.name": "workspace-operator"}),
        (
            {"policies": {"namespaceSelector": {"matchLabels": {"environment": "production"}}}},
            {"environment": "production"},
        ),
    ],
    ids=["everywhere", "one namespace", "selected"],
)
def test_policies_apply_where_the_operator_works(
    helm: Path, values: dict[str, Any], labels: dict[str, str] | None
) -> None:
    policies = {"mode": "Warn"} | values.get("policies", {})
    found = chart_objects(helm, values | {"policies": policies, "admissionPolicy": {"enabled": False}})

    bindings = [each["spec"] for each in found if each["kind"] == "ValidatingAdmissionPolicyBinding"]
    selected = [each.get("matchResources", {}).get("namespaceSelector", {}).get("matchLabels") for each in bindings]
    assert selected == [labels] * 4
