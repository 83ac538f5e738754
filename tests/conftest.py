"""Fixtures of all tests, such as servers, which start when the first test needs them and end with the run."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

import hypothesis
import pytest

from tests.controlplane.kubectl import Kubectl, kubectl_program
from tests.controlplane.launcher import ControlPlane, Programs
from tests.go_programs.failures import BuildUnavailable
from tests.go_programs.tools import helm_program, promtool_program
from tests.image.build import build_image, mounted
from tests.image.images import Image
from tests.postgres import OwnPostgres, Postgres
from tests.postgres import own_postgres as start_own_postgres
from tests.postgres import postgres as start_postgres

# Machines that run tests are busy, so no example has a deadline; the long form tries many more of them.
hypothesis.settings.register_profile("short", deadline=None)
hypothesis.settings.register_profile("proof", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("proof" if os.environ.get("WORKSPACE_OPERATOR_PROOF") else "short")

# A shell ignores SIGINT in background jobs, and the commands that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A run that must not lose tests to a missing toolchain, such as CI, sets this.
NO_SKIPS = "WORKSPACE_OPERATOR_NO_SKIPS"
CLUSTER = "E2E_KUBECONFIG"

Made = TypeVar("Made")

MARKS = {
    "programs": pytest.mark.e2e,
    "kubectl": pytest.mark.e2e,
    "postgres": pytest.mark.postgres,
    "own_postgres": pytest.mark.postgres,
    "helm": pytest.mark.tools,
    "promtool": pytest.mark.tools,
    "image": pytest.mark.tools,
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a server is marked by that: nobody can forget to."""
    for item in items:
        for fixture in MARKS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKS[fixture])


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of asynchronous tests."""
    return "asyncio"


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Programs:
    """The control plane's programs. A build takes minutes."""
    return built(request, Programs.ready)


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest) -> Path:
    """The program Helm, built if need be."""
    return built(request, helm_program)


@pytest.fixture(scope="session")
def promtool(request: pytest.FixtureRequest) -> Path:
    """The program promtool, built if need be."""
    return built(request, promtool_program)


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest) -> Iterator[Image]:
    """The container image of this checkout with its root file system; built if its sources have changed."""
    with mounted(built(request, build_image)) as found:
        yield found


def built(request: pytest.FixtureRequest, build: Callable[[TextIO], Made]) -> Made:
    """What a build makes, with its progress shown past pytest's capture; skips where it cannot be built."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():
            return build(sys.stderr)
    except BuildUnavailable as unavailable:
        if os.environ.get(NO_SKIPS):
            raise
        pytest.skip(f"cannot be built here: {unavailable}")


@pytest.fixture(scope="session")
def control_plane(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real kube-apiserver of this run, for the administrator."""
    server = ControlPlane.create(programs, tmp_path_factory.mktemp("controlplane"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def interruptible_control_plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The same server, for tests that stop or kill it: it runs again afterwards."""
    control_plane.ensure_running()
    yield control_plane
    control_plane.ensure_running()


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Kubectl:
    """kubectl on this run's own server, or on the cluster that E2E_KUBECONFIG names."""
    given = os.environ.get(CLUSTER)
    if given:
        return Kubectl(program=kubectl_program(), kubeconfig=Path(given))
    control_plane: ControlPlane = request.getfixturevalue("control_plane")
    return control_plane.kubectl


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this run, or the one that the environment names."""
    with start_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty database of this test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of this test's own, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """A server of this test's own, for tests that stop or kill it."""
    with start_own_postgres() as server:
        yield server
