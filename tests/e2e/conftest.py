"""The cluster as an administrator prepares it, an operator under its own account, and a namespace for each test.

An operator watches every namespace, so there is one at a time: a module's, or a test's own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import MakeOperator, namespace, operator_account, operators, prepare
from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.operators import Operator
from tests.e2e.status_recorder import StatusRecorder


@pytest.fixture(scope="package")
def cluster(kubectl: Kubectl, request: pytest.FixtureRequest) -> Kubectl:
    """The administrator's kubectl, on a cluster with our definitions and rights."""
    prepare(kubectl, request.config.rootpath)
    return kubectl


@pytest.fixture(scope="package")
def account(cluster: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl as the operator's ServiceAccount."""
    return operator_account(cluster, tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="package")
def recorder(cluster: Kubectl) -> Iterator[StatusRecorder]:
    """Sees every status of the run."""
    recorder = StatusRecorder(kubectl=cluster)
    recorder.start()
    yield recorder
    recorder.stop()


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


@pytest.fixture
def env(cluster: Kubectl, operator: Operator, recorder: StatusRecorder, tmp_path: Path) -> Iterator[NamespaceEnv]:
    """A namespace under the module's operator."""
    with namespace(cluster, recorder) as name:
        yield NamespaceEnv(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)


@pytest.fixture
def own_env(
    cluster: Kubectl, recorder: StatusRecorder, make_operator: MakeOperator, tmp_path: Path
) -> Iterator[NamespaceEnv]:
    """A namespace where nobody looks yet."""
    with namespace(cluster, recorder) as name:
        yield NamespaceEnv(
            kubectl=cluster, operator=make_operator(), namespace=name, folder=tmp_path, recorder=recorder
        )
