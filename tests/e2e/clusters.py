"""A cluster as an administrator prepares it, the operators that run on it, and namespaces that leave nothing behind."""

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.e2e.fixtures import RESOURCE
from tests.e2e.operators import Operator
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import succeeds, wait_until
from workspace_operator.resources.workspaces import API_VERSION

ACCOUNT = ("workspace-operator", "workspace-operator")
POLICY_ENABLED = "jsonpath={.items[?(@.metadata.finalizers)].metadata.name}"
POLICY_DISABLED = '{"metadata":{"finalizers":null},"spec":{"deletionPolicy":"Retain"}}'


class MakeOperator(Protocol):
    def __call__(self, *options: str, database: str = "") -> Operator: ...


def prepare(kubectl: Kubectl, root: Path) -> None:
    """Our definitions and rights; the storage of a new kind needs a moment."""
    kubectl("apply", "-k", str(root / "crds"))
    for folder in ("namespace", "rbac"):
        kubectl("apply", "-k", str(root / "manifests" / folder))
    wait_until(lambda: succeeds(lambda: kubectl("get", RESOURCE)))


def operator_account(kubectl: Kubectl, folder: Path) -> Kubectl:
    """kubectl as the operator's ServiceAccount; its rights are known to the API server."""
    made = kubectl.as_service_account(*ACCOUNT, to=folder / "kubeconfig")
    wait_until(lambda: succeeds(lambda: made("get", RESOURCE, "--all-namespaces")))
    return made


@contextmanager
def operators(account: Kubectl, folder: Path) -> Iterator[MakeOperator]:
    """Makes operators, and stops them in the end; they are not started yet."""
    made: list[Operator] = []

    def make(*options: str, database: str = "") -> Operator:
        room = folder / f"operator-{len(made)}"
        room.mkdir()
        operator = Operator(
            account=account,
            folder=room,
            database=database or f"sqlite:///{room}/store.db",
            options=options,
        )
        made.append(operator)
        return operator

    try:
        yield make
    finally:
        for operator in made:
            operator.stop()


@contextmanager
def namespace(cluster: Kubectl, recorder: StatusRecorder) -> Iterator[str]:
    """A new namespace; in the end nothing of it is left to look after, and all that was said of it was sound."""
    name = f"test-{secrets.token_hex(4)}"
    cluster("create", "namespace", name)
    yield name
    for plural in ("accounts", "workspaces"):  # all of a kind at once; an Account could create a Workspace again
        cluster("delete", "--raw", f"/apis/{API_VERSION}/namespaces/{name}/{plural}")
    wait_until(lambda: _is_empty(cluster, name))
    assert recorder.refusals(name) == []


def _is_empty(cluster: Kubectl, name: str) -> bool:
    """Let go of what is held; an operator may have taken hold of it only just now."""
    for each in cluster("get", RESOURCE, "-n", name, "-o", POLICY_ENABLED).split():
        with contextlib.suppress(KubectlFailed):  # it went by itself
            cluster("patch", RESOURCE, each, "-n", name, "--type=merge", "--patch", POLICY_DISABLED)
    return not cluster("get", RESOURCE, "-n", name, "-o", "name")
