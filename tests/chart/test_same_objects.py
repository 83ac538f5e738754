"""The chart installs the same objects as the kustomizations, whatever is switched on, also under other names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.charts import INSTANCE, KEEP, chart_objects, comparable
from tests.resources.deployment.kustomizations import overlay
from tests.resources.deployment.test_manifests import rendered

POSTGRESQL = {"database": {"type": "PostgreSQL"}}
SENDING_WORKER = POSTGRESQL | {"worker": {"enabled": True}, "sending": {"enabled": True}}
POLICIES = {"networkPolicy": {"enabled": True}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Values of the chart, and the overlay, its components and the other kustomizations that they stand for."""

    values: Mapping[str, Any]
    overlay: str
    components: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def is_stored_in_the_cluster(self) -> bool:
        return self.overlay != "postgres"


VARIANTS = {
    "default": Variant(values={}, overlay="sqlite"),
    "one namespace": Variant(values={"rbac": {"scope": "Namespace"}}, overlay="one-namespace"),
    "sending": Variant(values={"sending": {"enabled": True}}, overlay="sqlite", components=("sending",)),
    "policies": Variant(values=POLICIES, overlay="sqlite", components=("network-policies",)),
    "sending with policies": Variant(
        values=POLICIES | {"sending": {"enabled": True}},
        overlay="sqlite",
        components=("sending", "network-policies", "network-policies/sending"),
    ),
    "monitoring": Variant(
        values={name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboard")},
        overlay="sqlite",
        beside=("monitoring/service-monitor",),
    ),
    "warnings": Variant(values={"policies": {"mode": "Warn"}}, overlay="sqlite", beside=("policies/warn",)),
    "refusals": Variant(values={"policies": {"mode": "Deny"}}, overlay="sqlite", beside=("policies/deny",)),
    "PostgreSQL": Variant(values=POSTGRESQL, overlay="postgres"),
    "worker": Variant(values=SENDING_WORKER, overlay="postgres", components=("worker",)),
    "everything": Variant(
        values=SENDING_WORKER | POLICIES | {"api": {"autoscaling": {"enabled": True}}},
        overlay="postgres",
        components=(
            "worker",
            "autoscaling",
            "network-policies",
            "network-policies/api",
            "network-policies/console",
            "network-policies/worker",
        ),
    ),
}

OTHER = {"namespace": "messaging", "namePrefix": "team-"}


def kustomized(folder: Path, variant: Variant, **settings: str) -> list[dict[str, Any]]:
    """The objects of the overlay, with the definitions and the volume, as a user combines them."""
    storage = ("storage",) if variant.is_stored_in_the_cluster else ()
    moved = variant.overlay == "one-namespace" and settings
    made = overlay(
        folder / "kustomized",
        "../crds",
        *storage,
        f"overlays/{variant.overlay}",
        *variant.beside,
        components=variant.components,
        transformers=("rbac-namespaced/kube-system",) if moved else (),
        **settings,
    )
    return list(yaml.safe_load_all(rendered(made)))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_default_names_are_the_same(helm: Path, tmp_path: Path, variant: Variant) -> None:
    found = chart_objects(helm, variant.values)

    assert comparable(found) == comparable(kustomized(tmp_path, variant))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_release_is_a_prefix_of_names(helm: Path, tmp_path: Path, variant: Variant) -> None:
    found = chart_objects(helm, variant.values, release="team", namespace=OTHER["namespace"])

    assert comparable(found) == comparable(kustomized(tmp_path, variant, **OTHER))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_selectors_tell_releases_apart(helm: Path, variant: Variant) -> None:
    """In one namespace, a Service or a policy of one release must not reach the pods of another."""
    found = chart_objects(helm, variant.values, release="team")

    selectors = [selector for each in found for selector in selectors_of(each)]
    assert len(selectors) >= 2
    assert all(selector[INSTANCE] == "team" for selector in selectors)


def selectors_of(document: dict[str, Any]) -> list[dict[str, str]]:
    spec = document.get("spec", {})
    if document["kind"] == "Service":
        return [spec["selector"]]
    if document["kind"] == "ServiceMonitor":
        return [spec["selector"]["matchLabels"]]
    labelled = [spec.get("selector"), spec.get("podSelector")]
    pod = spec.get("template", {}).get("spec", {})
    labelled += [each["labelSelector"] for each in pod.get("topologySpreadConstraints", ())]
    return [each["matchLabels"] for each in labelled if each]


def test_what_holds_people_is_kept(helm: Path) -> None:
    kept = {each["kind"] for each in chart_objects(helm, {}) if KEEP in each["metadata"].get("annotations", {})}

    assert kept == {"CustomResourceDefinition", "PersistentVolumeClaim"}
