"""The cluster as an administrator prepares it, an operator under its own account, and a namespace for each test.

An operator watches every namespace, so there is one at a time: a module's, or a test's own.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.operators import Operator
from tests.e2e.scenes import RESOURCE, Scene
from tests.e2e.statuses import StatusRecorder
from tests.e2e.waiting import succeeds, until

LET_GO = '{"metadata":{"finalizers":null},"spec":{"deletionPolicy":"Retain"}}'
ACCOUNT = ("workspace-operator", "workspace-operator")


class MakeOperator(Protocol):
    def __call__(self, *options: str, database: str = "") -> Operator: ...


@pytest.fixture(scope="package")
def cluster(kubectl: Kubectl, request: pytest.FixtureRequest) -> Kubectl:
    """The administrator's kubectl, on a cluster with our definitions and rights."""
    root = request.config.rootpath
    kubectl("apply", "-k", str(root / "crds"))
    kubectl("apply", "-k", str(root / "manifests" / "rbac"))
    until(lambda: succeeds(lambda: kubectl("get", RESOURCE)))  # the storage of a new kind needs a moment
    return kubectl


@pytest.fixture(scope="package")
def account(cluster: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl as the operator's ServiceAccount; its rights are known to the API server."""
    made = cluster.as_service_account(*ACCOUNT, to=tmp_path_factory.mktemp("account") / "kubeconfig")
    until(lambda: succeeds(lambda: made("get", RESOURCE, "--all-namespaces")))
    return made


@pytest.fixture(scope="package")
def recorder(cluster: Kubectl) -> Iterator[StatusRecorder]:
    """Sees every status of the run."""
    recorder = StatusRecorder(kubectl=cluster)
    recorder.start()
    yield recorder
    recorder.stop()


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


@pytest.fixture(scope="module")
def operator(
    account: Kubectl, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Operator]:
    """The operator of a module, on SQLite; a module may set its OPTIONS."""
    with operators(account, tmp_path_factory.mktemp("operator")) as make:
        operator = make(*getattr(request.module, "OPTIONS", ()))
        operator.start()
        operator.wait_until_alive()
        yield operator


@pytest.fixture
def make_operator(account: Kubectl, tmp_path: Path) -> Iterator[MakeOperator]:
    """For tests that stop and start theirs."""
    with operators(account, tmp_path) as make:
        yield make


@contextmanager
def namespace(cluster: Kubectl, recorder: StatusRecorder) -> Iterator[str]:
    """A new namespace; in the end nothing of it is left to look after, and all that was said of it was sound."""
    name = f"test-{secrets.token_hex(4)}"
    cluster("create", "namespace", name)
    yield name
    for each in cluster("get", RESOURCE, "-n", name, "-o", "name").split():
        cluster("patch", each, "-n", name, "--type=merge", "--patch", LET_GO)
    cluster("delete", RESOURCE, "--all", "-n", name, "--timeout=30s")
    assert recorder.refusals(name) == []


@pytest.fixture
def scene(cluster: Kubectl, operator: Operator, recorder: StatusRecorder, tmp_path: Path) -> Iterator[Scene]:
    """A namespace under the module's operator."""
    with namespace(cluster, recorder) as name:
        yield Scene(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)
