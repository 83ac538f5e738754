"""The rules and the dashboard of ``manifests/monitoring``, and what their PromQL refers to."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from tests.docs.pages import REPOSITORY

BASE = REPOSITORY / "manifests" / "monitoring" / "base"

SELECTOR = re.compile(r"\b((?:workspace_operator|process)_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|=|!=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def rule_groups() -> Sequence[Any]:
    """The groups of the PrometheusRule."""
    groups: Sequence[Any] = yaml.safe_load((BASE / "rules.yaml").read_text())["spec"]["groups"]
    return groups


def alerts() -> Sequence[Any]:
    """All alerts."""
    return [rule for group in rule_groups() for rule in group["rules"]]


def panels() -> Sequence[Any]:
    """All panels of the dashboard that show something."""
    dashboard = json.loads((BASE / "dashboard.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every PromQL expression, with where it is."""
    for alert in alerts():
        yield alert["alert"], alert["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def selectors(expression: str) -> Sequence[tuple[str, Sequence[tuple[str, str, str]]]]:
    """The series that an expression names, with their matchers: label, operator, value."""
    return [(name, MATCHER.findall(matchers)) for name, matchers in SELECTOR.findall(expression)]


def grouping_labels(expression: str) -> set[str]:
    """The labels by which an expression groups or joins."""
    return {label.strip() for labels in GROUPING.findall(expression) for label in labels.split(",")}
