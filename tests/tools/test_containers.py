"""The image at work: as user 65532 without capabilities, on a read-only root file system."""

import time
from pathlib import Path

import httpx
import pytest

from tests.caches import CHECKOUT
from tests.commands import status_of
from tests.e2e.waiting import wait_until
from tests.image.containers import USER, Container
from tests.image.overlays import writable_copy
from tests.tools.conftest import MakeContainer

GRACE_SECONDS = 30
"""The grace period of the operator's Deployment in manifests/operator."""

EXAMPLE = CHECKOUT / "examples" / "shop.yaml"
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


@pytest.fixture
def api(container: Container, port: int, health_port: int) -> Container:
    """The people API alone, on a database in /data that has a workspace."""
    return running_api(container, port, health_port)


def running_api(container: Container, port: int, health_port: int) -> Container:
    return running(container, "api", health_port, f"--port={port}")


def running(container: Container, part: str, health_port: int, *options: str) -> Container:
    """One of the parts of `workspacectl run`, on a database with a workspace."""
    manifest = container.write("shop.yaml", EXAMPLE.read_text(encoding="utf-8"))
    applied = container.run("apply", "-f", manifest)
    assert applied.returncode == 0, applied.stderr
    probes = f"http://127.0.0.1:{health_port}/healthz"
    container.start("run", part, f"--health-endpoint={probes}", *options)
    wait_until(lambda: status_of(probes) == 200 or not container.is_running, what=lambda: container.last_lines)
    return container


def put_person(container: Container, port: int) -> int:
    """Make credentials in the container, and identify a person with them; the status of the response."""
    made = container.execute("workspacectl", "credentials", "create", "--workspace", "default/shop", "-o", "env")
    keys = dict(line.removeprefix("export ").split("=", 1) for line in made.stdout.splitlines())
    url = f"http://127.0.0.1:{port}/api/v1/customers/m-1"
    return httpx.put(url, auth=(keys["SITE_ID"], keys["API_KEY"]), json={"email": "ada@example.com"}).status_code


def test_process_is_unprivileged(container: Container) -> None:
    answer = container.run("/proc/self/status", entrypoint=("cat",))

    fields = dict(line.split(":", 1) for line in answer.stdout.splitlines())
    assert (fields["Uid"].split(), fields["Gid"].split()) == ([str(USER)] * 4, [str(USER)] * 4)
    assert {int(fields[name], 16) for name in CAPABILITIES} == {0}


@pytest.mark.parametrize(
    ("path", "written"), [("/data/x", True), ("/tmp/x", True), ("/opt/x", False), ("/var/tmp/x", False)]
)
def test_only_data_and_scratch_folder_are_writable(container: Container, path: str, *, written: bool) -> None:
    answer = container.run(path, entrypoint=("touch",))

    assert (answer.returncode == 0) is written
    assert ("Read-only file system" in answer.stderr) is not written


def test_api_answers_on_sqlite(api: Container, port: int, health_port: int) -> None:
    assert put_person(api, port) == 200
    assert status_of(f"http://127.0.0.1:{health_port}/readyz") == 200
    assert status_of(f"http://127.0.0.1:{health_port}/metrics") == 200
    assert (api.data / "workspaces.db").stat().st_uid == USER


@pytest.mark.parametrize(("part", "options"), [("api", ("--port=0",)), ("worker", ()), ("sender", ())])
def test_sigterm_ends_a_part_within_the_grace_period(
    container: Container, health_port: int, part: str, options: tuple[str, ...]
) -> None:
    running(container, part, health_port, *options)
    before = time.monotonic()

    code = container.stop(within=GRACE_SECONDS)

    assert code == 0, container.last_lines
    assert time.monotonic() - before < GRACE_SECONDS


def test_nothing_else_is_written_even_if_it_could_be(
    make_container: MakeContainer, tmp_path: Path, port: int, health_port: int
) -> None:
    with writable_copy(make_container().image.root, tmp_path / "overlay") as (root, changes):
        container = running_api(make_container(root=root), port, health_port)
        assert put_person(container, port) == 200
        assert container.stop() == 0

        written = [str(path.relative_to(changes)) for path in changes.rglob("*")]

    assert written == []
