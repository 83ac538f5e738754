"""Releases of the chart on a real API server: installed, upgraded, uninstalled, and installed again."""

import shutil
import subprocess
from functools import partial
from pathlib import Path

import yaml

from tests.chart.charts import NAME, chart_objects
from tests.chart.conftest import ReleaseCluster
from tests.chart.generated import CHART
from tests.chart.test_same_objects import VARIANTS
from tests.controlplane.failures import KubectlFailed
from tests.docs.pages import runnable_blocks
from tests.e2e.waiting import succeeds, wait_until

RELEASE, NAMESPACE = "team", "messaging"
DEFINITION = "workspaces.workspace-operator.dev"
STAYS = (
    ("namespace", NAME),
    ("persistentvolumeclaim", NAME, NAME),
    ("customresourcedefinition", DEFINITION),
)
WORKSPACE = """\
apiVersion: workspace-operator.dev/v1alpha1
kind: Workspace
metadata: {name: shop}
spec: {displayName: Shop}
"""


def helm(cluster: ReleaseCluster, *arguments: str) -> str:
    answer = subprocess.run(
        [cluster.helm, *arguments, "--namespace", NAMESPACE],
        capture_output=True,
        text=True,
        env=cluster.environment(),
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def held(cluster: ReleaseCluster) -> dict[str, str]:
    """The UIDs of what holds people or says who they belong to."""
    return {
        "volume": cluster.uid("persistentvolumeclaim", "team-workspace-operator", NAMESPACE),
        "definition": cluster.uid("customresourcedefinition", DEFINITION),
        "workspace": cluster.uid("workspace", "shop"),
    }


def test_uninstalling_and_installing_again_keeps_people(release_cluster: ReleaseCluster) -> None:
    notes = helm(release_cluster, "install", RELEASE, str(CHART), "--create-namespace")
    wait_until(lambda: succeeds(lambda: release_cluster.kubectl("apply", "-f", "-", input=WORKSPACE)))
    before = held(release_cluster)
    assert all(before.values())
    assert "deployment/team-workspace-operator" in notes

    helm(release_cluster, "uninstall", RELEASE)

    assert held(release_cluster) == before
    for kind in ("deployment", "service", "serviceaccount"):
        assert release_cluster.kubectl("get", kind, "--namespace", NAMESPACE, "-o", "name").split() in (
            [],
            ["serviceaccount/default"],
        )
    for kind in ("clusterrole", "clusterrolebinding"):
        assert not release_cluster.uid(kind, "team-workspace-operator")
    assert not release_cluster.uid("validatingadmissionpolicy", "team-workspace-operator-secrets")

    helm(release_cluster, "install", RELEASE, str(CHART))
    assert held(release_cluster) == before
    assert release_cluster.uid("deployment", "team-workspace-operator", NAMESPACE)


def test_upgrade_changes_programs_and_definitions(release_cluster: ReleaseCluster, tmp_path: Path) -> None:
    helm(release_cluster, "install", RELEASE, str(CHART), "--create-namespace")
    newer = shutil.copytree(CHART, tmp_path / "newer")
    file = newer / "files" / "crds" / f"{DEFINITION}.yaml"
    changed = yaml.safe_load(file.read_text())
    changed["metadata"].setdefault("labels", {})["newer"] = "yes"
    file.write_text(yaml.safe_dump(changed))
    before = release_cluster.uid("customresourcedefinition", DEFINITION)

    helm(release_cluster, "upgrade", RELEASE, str(newer), "--set", "image.tag=0.2.0")

    definition = release_cluster.kubectl.json("get", "customresourcedefinition", DEFINITION)["metadata"]
    (container,) = release_cluster.kubectl.json(
        "get", "deployment", "team-workspace-operator", "--namespace", NAMESPACE
    )["spec"]["template"]["spec"]["containers"]
    assert (definition["uid"], definition["labels"]["newer"]) == (before, "yes")
    assert container["image"] == "workspace-operator:0.2.0"


def test_every_variant_applies_server_side_and_is_limited(release_cluster: ReleaseCluster) -> None:
    """Each in a namespace and under names of its own; again, without a conflict, and with the policy in force."""
    without_others = [variant for name, variant in VARIANTS.items() if name != "monitoring"]  # no Prometheus operator
    for number, variant in enumerate(without_others):
        release, namespace = f"v{number}", f"variant-{number}"
        found = chart_objects(
            release_cluster.helm,
            {**variant.values, "crds": {"install": number == 0}},
            release=release,
            namespace=namespace,
        )
        text = yaml.safe_dump_all(found)
        release_cluster.kubectl("create", "namespace", namespace)

        applied = release_cluster.kubectl("apply", "--server-side", "-f", "-", input=text)

        assert applied.count("serverside-applied") == len(found)
        release_cluster.kubectl("apply", "--server-side", "-f", "-", input=text)
        account = f"system:serviceaccount:{namespace}:{release}-workspace-operator"
        wait_until(partial(is_limited, release_cluster, account))


def test_two_files_install_and_one_uninstalls(release_cluster: ReleaseCluster, tmp_path: Path) -> None:
    block = next(block for block in runnable_blocks("docs/installing.md") if block.startswith("kubectl "))
    shutil.copytree(CHART.parent, tmp_path / "manifests")

    script = release_cluster.run(block, tmp_path)
    wait_until(lambda: script.exit_code() is not None)
    assert script.end() == 0, (tmp_path / "script.log").read_text()
    assert release_cluster.uid("deployment", NAME, NAME)
    before = [release_cluster.uid(*which) for which in STAYS]
    assert all(before)

    release_cluster.kubectl("delete", "-f", str(tmp_path / "manifests" / "install.yaml"))
    assert not release_cluster.uid("deployment", NAME, NAME)
    assert [release_cluster.uid(*which) for which in STAYS] == before


def is_limited(cluster: ReleaseCluster, account: str) -> bool:
    """Whether the policy forbids the account to make a Secret of any name, which its rights allow."""
    try:
        cluster.kubectl(
            *("create", "secret", "generic", "probe", "--namespace", account.split(":")[2], "--dry-run=server"),
            *("--as", account),
        )
    except KubectlFailed as failure:
        return "ends with -credentials" in failure.stderr
    return False
