"""The admission policies on a real API server: what kubectl prints, what is refused, and what the audit log has."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.launcher import ControlPlane
from tests.docs.pages import text_of
from tests.e2e.clusters import namespace
from tests.e2e.fixtures import RESOURCE, NamespaceEnv
from tests.e2e.operators import Operator
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until
from tests.resources.deployment.kustomizations import ROOT, overlay
from workspace_operator.resources.workspaces import API_VERSION, CONFIRM_DELETE, CONFIRM_SENDING

PAGE = "docs/gitops.md"
FAILURES = "validation.policy.admission.k8s.io/validation_failure"
TEST: dict[str, Any] = {"sendBehavior": {"mode": "Test", "testAddress": "test@example.com"}}
NORMAL = {"sendBehavior": {"mode": "Normal", "testAddress": None}}
KEPT = "stay in the database without a resource (deletionPolicy Retain). Its API keys stay valid"
RISKY_STEP = {"deletionPolicy": "Delete", "identifiers": {"mode": "EmailOrID"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How kubectl ended, and what it wrote to standard error."""

    code: int
    text: str

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith("Warning:")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A namespace under policies."""

    env: NamespaceEnv

    def kubectl(self, *arguments: str) -> Answer:
        kubectl = self.env.kubectl
        done = subprocess.run(
            [kubectl.program, "-n", self.env.namespace, *arguments],
            capture_output=True,
            text=True,
            env=kubectl.environment(),
        )
        return Answer(code=done.returncode, text=done.stderr)

    def delete(self, *options: str) -> Answer:
        return self.kubectl("delete", RESOURCE, "shop", "--wait=false", *options)

    def patch(self, spec: Mapping[str, Any], *options: str, name: str = "shop") -> Answer:
        return self.kubectl("patch", RESOURCE, name, "--type=merge", "-p", json.dumps({"spec": spec}), *options)

    def create(self, name: str = "shop", *, people: int | None = None, **settings: Any) -> None:
        """Apply a Workspace, and say that it has a workspace in the database, as the operator would."""
        self.env.apply(name, **settings)
        status = {"workspaceID": 41} | ({} if people is None else {"people": {"total": people}})
        patch = ("patch", RESOURCE, name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
        assert self.kubectl(*patch).code == 0

    def probes(self) -> list[Answer]:
        """Requests that each policy says something of, without a change; the API server takes a moment to follow."""
        changes = (NORMAL, {"deletionPolicy": "Retain", "identifiers": {"mode": "IDOnly"}})
        return [self.delete("--dry-run=server"), *(self.patch(change, "--dry-run=server") for change in changes)]


@contextmanager
def namespace_without_operator(cluster: Kubectl, recorder: StatusRecorder, folder: Path) -> Iterator[Guarded]:
    """A namespace with the Workspace of the probes. In the end no policy says anything of it."""
    with namespace(cluster, recorder) as name:
        operator = Operator(account=cluster, folder=folder, database=f"sqlite:///{folder}/store.db")
        env = NamespaceEnv(kubectl=cluster, operator=operator, namespace=name, folder=folder, recorder=recorder)
        guarded = Guarded(env=env)
        guarded.create(deletionPolicy="Delete", **TEST)
        yield guarded
        wait_until(lambda: not any(answer.text for answer in guarded.probes()), what=guarded.probes)


@contextmanager
def guarded_namespace(cluster: Kubectl, recorder: StatusRecorder, folder: Path, variant: str) -> Iterator[Guarded]:
    """A namespace without a running operator, and policies under names of their own that are for it only."""
    with namespace_without_operator(cluster, recorder, folder) as guarded:
        made = write_overlay(folder, variant, guarded.env.namespace)
        cluster("apply", "-k", str(made))
        wait_until(lambda: all(answer.text for answer in guarded.probes()), what=guarded.probes)
        yield guarded
        cluster("delete", "-k", str(made))


def write_overlay(folder: Path, variant: str, name: str) -> Path:
    """The policies with the selector of docs/gitops.md."""
    made = overlay(folder / variant, f"policies/{variant}", namePrefix=f"{name}-")
    (block,) = re.findall(r"```yaml\n# kustomization.yaml of the policies\n(.*?)```", text_of(PAGE), re.DOTALL)
    patches = yaml.safe_load(block.replace("environment: production", f"kubernetes.io/metadata.name: {name}"))[
        "patches"
    ]
    file = made / "kustomization.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"patches": patches}))
    return made


@pytest.fixture(scope="module")
def warned(cluster: Kubectl, recorder: StatusRecorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_namespace(cluster, recorder, tmp_path_factory.mktemp("warned"), "warn") as guarded:
        yield guarded


@pytest.fixture(scope="module")
def denied(cluster: Kubectl, recorder: StatusRecorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_namespace(cluster, recorder, tmp_path_factory.mktemp("denied"), "deny") as guarded:
        yield guarded


def test_unconfirmed_deletion_is_warned_of(warned: Guarded) -> None:
    warned.create(deletionPolicy="Delete")

    answer = warned.delete("--dry-run=server")

    notice, confirmation = sorted(answer.warnings, key=lambda line: "is not confirmed" in line)
    assert answer.code == 0
    assert "its people and the resource stay until the deletion is confirmed (deletionPolicy Delete)." in notice
    assert f"Set the annotation {CONFIRM_DELETE} to the exact displayName before the deletion" in confirmation


@pytest.mark.parametrize(
    ("annotations", "spec", "consequence"),
    [
        ({}, {}, f"{KEPT}, and it goes on sending messages."),
        ({}, {"sendBehavior": {"mode": "Never"}}, f"{KEPT}, and it sends no messages."),
        ({CONFIRM_DELETE: "shop"}, {"deletionPolicy": "Delete"}, "are destroyed (deletionPolicy Delete, confirmed)."),
    ],
    ids=["kept", "kept and silent", "destroyed"],
)
def test_every_deletion_says_what_happens_to_people(
    warned: Guarded, annotations: dict[str, str], spec: dict[str, Any], consequence: str
) -> None:
    warned.create("kept", people=28, annotations=annotations, displayName="shop", accountName="other", **spec)

    answer = warned.kubectl("delete", RESOURCE, "kept")

    [notice] = answer.warnings
    assert answer.code == 0
    assert f"Workspace {warned.env.namespace}/kept: its 28 people {consequence}" in notice


@pytest.mark.parametrize("variant", ["warned", "denied"])
@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_resource_without_a_workspace_may_be_deleted(request: pytest.FixtureRequest, variant: str, policy: str) -> None:
    """Such as one over the limit of its Account."""
    guarded: Guarded = request.getfixturevalue(variant)
    guarded.env.apply("extra", deletionPolicy=policy)

    answer = guarded.kubectl("delete", RESOURCE, "extra")

    [notice] = answer.warnings
    assert answer.code == 0
    assert "/extra: it has no workspace in the database, and so no people." in notice


def test_going_live_is_warned_of_until_it_is_confirmed(warned: Guarded) -> None:
    warned.env.apply(**TEST)

    unconfirmed = warned.patch(NORMAL, "--dry-run=server")
    warned.env.annotate(CONFIRM_SENDING, "shop")
    confirmed = warned.patch(NORMAL, "--dry-run=server")

    [warning] = unconfirmed.warnings
    assert f"Confirm it by the annotation {CONFIRM_SENDING} with the exact displayName" in warning
    assert (confirmed.code, confirmed.text) == (0, "")


def test_identifiers_and_deletion_policy_in_one_step_are_warned_of(warned: Guarded) -> None:
    warned.env.apply(identifiers={"mode": "IDOnly"})

    both = warned.patch(RISKY_STEP, "--dry-run=server")
    one = [warned.patch({field: value}, "--dry-run=server") for field, value in RISKY_STEP.items()]

    [warning] = both.warnings
    assert "spec.identifiers and spec.deletionPolicy may not change in one step." in warning
    assert [(answer.code, answer.text) for answer in one] == [(0, ""), (0, "")]


def test_warning_is_in_the_audit_log(warned: Guarded, control_plane: ControlPlane) -> None:
    warned.env.apply(deletionPolicy="Delete")

    warned.delete("--dry-run=server")

    wait_until(lambda: any("is not confirmed" in text for text in audited(control_plane, warned.env.namespace)))


@pytest.mark.parametrize(
    ("name", "before", "change", "words"),
    [
        pytest.param("live", TEST, NORMAL, "changes to Normal, so messages are sent to people", id="going live"),
        pytest.param("risky", {"identifiers": {"mode": "IDOnly"}}, RISKY_STEP, "may not change in one step", id="two"),
    ],
)
def test_denied_change_leaves_the_resource(
    denied: Guarded, name: str, before: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    denied.env.apply(name, **before)
    version = denied.env.get(name)["metadata"]["resourceVersion"]

    answer = denied.patch(change, name=name)

    assert (answer.code, answer.warnings) == (1, [])
    assert "is forbidden" in answer.text
    assert words in answer.text
    assert denied.env.get(name)["metadata"]["resourceVersion"] == version


def test_denied_deletion_goes_through_once_confirmed(denied: Guarded) -> None:
    denied.create("old", deletionPolicy="Delete")

    refused = denied.kubectl("delete", RESOURCE, "old")
    denied.env.annotate(CONFIRM_DELETE, "old", "old")
    deleted = denied.kubectl("delete", RESOURCE, "old")

    assert (refused.code, deleted.code) == (1, 0)
    assert "has deletionPolicy Delete, and its deletion is not confirmed" in refused.text
    assert "old" not in denied.env.names()


def test_denied_deletion_stops_that_of_the_namespace(denied: Guarded) -> None:
    """The controller of namespaces deletes their objects by this request, and repeats it while it fails."""
    denied.env.apply("retained")

    answer = denied.kubectl("delete", "--raw", f"/apis/{API_VERSION}/namespaces/{denied.env.namespace}/workspaces")

    assert answer.code == 1
    assert "its deletion is not confirmed" in answer.text
    assert "shop" in denied.env.names()


def test_commands_of_the_page_warn_first_and_refuse_later(
    cluster: Kubectl, recorder: StatusRecorder, tmp_path: Path
) -> None:
    """As they are written, so for every namespace of the cluster."""
    (block,) = re.findall(r"<!-- tested: policies[^>]*-->\n```sh\n(.*?)```", text_of(PAGE), re.DOTALL)
    warn, deny = block.splitlines()
    environment = cluster.environment() | {"PATH": f"{cluster.program.parent}{os.pathsep}{os.environ['PATH']}"}

    def run(command: str) -> None:
        subprocess.run(["sh", "-c", command], cwd=ROOT, env=environment, check=True, capture_output=True)

    with namespace_without_operator(cluster, recorder, tmp_path) as guarded:
        run(warn)
        wait_until(lambda: all(answer.warnings for answer in guarded.probes()), what=guarded.probes)
        warned = [answer.code for answer in guarded.probes()]
        run(deny)
        wait_until(lambda: all(answer.code for answer in guarded.probes()), what=guarded.probes)
        run("kubectl delete -k manifests/policies/deny")
    assert warned == [0, 0, 0]


def audited(control_plane: ControlPlane, name: str) -> Iterator[str]:
    """What policies wrote into the audit log about requests in a namespace."""
    for line in control_plane.audit_log.read_text().splitlines(keepends=True):
        event = json.loads(line) if line.endswith("\n") else {}
        if event.get("objectRef", {}).get("namespace") == name and FAILURES in event.get("annotations", {}):
            yield event["annotations"][FAILURES]
