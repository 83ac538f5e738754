"""Rules and dashboard use metrics and labels that processes export, and each alert has its section in the docs."""

import re

import pytest
import yaml

from tests.docs.pages import text_of
from tests.monitoring.exports import PAGE, exports, label_values, series
from tests.monitoring.manifests import alerts, expressions, grouping_labels, panels, selectors
from tests.resources.deployment.test_manifests import objects

TARGET_LABELS = {"pod", "instance", "namespace", "job"}
"""Prometheus adds them to each series."""

OPEN_LABELS = {("workspace_operator_http_requests_total", "status"): {"1xx", "2xx", "3xx", "4xx", "5xx"}}
"""Labels whose values the examples of the exports do not have."""

EXPRESSIONS = sorted(expressions())


@pytest.mark.parametrize(("place", "expression"), EXPRESSIONS, ids=lambda value: value[:60])
def test_expression_names_what_is_exported(place: str, expression: str) -> None:
    known, found = series(), selectors(expression)

    assert found, place
    assert [name for name, _ in found if name not in known] == []
    for name, matchers in found:
        assert {label for label, _, _ in matchers} <= known[name]
    assert grouping_labels(expression) <= TARGET_LABELS.union(*(known[name] for name, _ in found))


@pytest.mark.parametrize(("place", "expression"), EXPRESSIONS, ids=lambda value: value[:60])
def test_expression_matches_values_that_exist(place: str, expression: str) -> None:
    unknown = [
        (place, name, label, value)
        for name, matchers in selectors(expression)
        for label, _, pattern in matchers
        for value in pattern.split("|")
        if value not in OPEN_LABELS.get((name, label), label_values().get((name, label), ()))
        if (name, label) != ("workspace_operator_store_transaction_duration_seconds_bucket", "le")
    ]

    assert unknown == []


def test_dashboard_shows_every_metric() -> None:
    shown = {name for panel in panels() for target in panel["targets"] for name, _ in selectors(target["expr"])}

    missing = {
        name
        for name in exports()
        if name.startswith("workspace_operator_")
        if not any(name == known or re.fullmatch(rf"{name}_(bucket|sum|count)", known) for known in shown)
    }
    assert missing == set()


def test_panels_do_not_overlap() -> None:
    cells = [
        (x, y)
        for panel in panels()
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_alert_says_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    assert set(alert) == {"alert", "expr", "for", "labels", "annotations"}
    assert alert["labels"]["severity"] in {"warning", "critical"}
    # Without runbook_url: Alertmanager shows it as a link, and the page has no address that all installations share.
    assert set(alert["annotations"]) == {"summary", "description"}


def test_alerts_are_the_sections_of_the_page() -> None:
    sections = re.findall(r"^### (\w+)$", text_of(PAGE), re.MULTILINE)

    assert sections == [alert["alert"] for alert in alerts()]


def test_every_alert_has_a_unit_test() -> None:
    tests = yaml.safe_load(text_of("tests/monitoring/rules_test.yaml"))["tests"]
    cases = [case for test in tests for case in test.get("alert_rule_test", ())]

    for alert in alerts():
        of_alert = [case for case in cases if case["alertname"] == alert["alert"]]
        assert [bool(case.get("exp_alerts")) for case in of_alert] == [False, True], alert["alert"]


@pytest.mark.parametrize(
    ("folder", "kind", "endpoints"),
    [
        ("manifests/monitoring", "PodMonitor", "podMetricsEndpoints"),
        ("manifests/monitoring/service-monitor", "ServiceMonitor", "endpoints"),
    ],
)
def test_monitor_scrapes_the_health_port_of_every_pod(folder: str, kind: str, endpoints: str) -> None:
    found = {document["kind"]: document for document in objects(folder)}
    deployments = [document for document in objects("manifests/overlays/postgres") if document["kind"] == "Deployment"]

    assert {"PrometheusRule", "ConfigMap", kind} <= set(found)
    [endpoint] = found[kind]["spec"][endpoints]
    assert (endpoint["port"], endpoint["honorLabels"]) == ("health", True)
    labels = found.get("Service", found[kind])["spec"]["selector"]
    for deployment in deployments:
        pod = deployment["spec"]["template"]
        assert labels.get("matchLabels", labels).items() <= pod["metadata"]["labels"].items()
        assert "health" in [port["name"] for container in pod["spec"]["containers"] for port in container["ports"]]


def test_service_of_the_monitor_is_the_one_it_selects() -> None:
    found = {document["kind"]: document for document in objects("manifests/monitoring/service-monitor")}

    selected = found["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert selected.items() <= found["Service"]["metadata"]["labels"].items()
