"""Renders the chart with Helm, and reduces objects of the chart and of kustomize to what they have in common."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.chart.generated import CHART

Object = dict[str, Any]

NAME = "workspace-operator"
INSTANCE = "app.kubernetes.io/instance"
BY_HELM = {"app.kubernetes.io/managed-by", "helm.sh/chart"}
KEEP = "helm.sh/resource-policy"
CLUSTER_SCOPED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
LABELLED_OTHERWISE = {
    "ConfigMap",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PrometheusRule",
    "ServiceMonitor",
}
"""What no version of the operator owns, and what monitoring selects: the kustomizations have fewer labels there."""
OF_SELECTORS = {"matchLabels", "selector"}
NAMED_LISTS = {"volumes", "volumeMounts"}


def helm_command(helm: Path, *arguments: str, values: Mapping[str, Any] | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of Helm; values go in by standard input."""
    given = ("--values", "-") if values is not None else ()
    answer = subprocess.run(
        [helm, *arguments, *given], input=json.dumps(values), capture_output=True, text=True, timeout=120
    )
    return answer.returncode, answer.stdout, answer.stderr


def chart_objects(
    helm: Path, values: Mapping[str, Any], *, release: str = NAME, namespace: str = NAME, options: Iterable[str] = ()
) -> list[Object]:
    """What a release consists of. The values have to be valid."""
    command = ("template", release, str(CHART), "--namespace", namespace, *options)
    code, out, err = helm_command(helm, *command, values=values)
    assert code == 0, err
    return [each for each in yaml.safe_load_all(out) if each is not None]


def key(document: Object) -> tuple[str, str, str]:
    metadata = document["metadata"]
    scoped = document["kind"] not in CLUSTER_SCOPED
    return document["kind"], metadata.get("namespace", "") if scoped else "", metadata["name"]


def comparable(documents: Iterable[Object]) -> dict[tuple[str, str, str], Any]:
    """The objects by kind, namespace and name, without what the chart has on top, and without their own namespace."""
    return {key(each): _reduced(each) for each in documents if each["kind"] != "Namespace"}


def _reduced(document: Object) -> Any:
    reduced = _walk(document)
    metadata = reduced["metadata"]
    if document["kind"] in CLUSTER_SCOPED:
        metadata.pop("namespace", None)
    if document["kind"] in LABELLED_OTHERWISE or document["metadata"]["name"].endswith("workspace-metrics"):
        metadata.pop("labels", None)
    annotations = {name: text for name, text in metadata.pop("annotations", {}).items() if name != KEEP}
    return reduced | {"annotations": annotations}


def _walk(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        items = [_walk(each) for each in value]
        return sorted(items, key=lambda item: str(item["name"])) if name in NAMED_LISTS else items
    if not isinstance(value, dict):
        return value
    dropped = {INSTANCE} if name in OF_SELECTORS else {INSTANCE, *BY_HELM} if name == "labels" else {"imagePullPolicy"}
    return {field: _walk(each, field) for field, each in value.items() if field not in dropped}
