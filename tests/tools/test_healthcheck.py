"""The command of HEALTHCHECK, for engines that have no probes."""

import pytest

from tests.caches import CHECKOUT
from tests.e2e.waiting import wait_until
from tests.image.containers import Container
from tests.image.images import Image
from tests.tools.conftest import MakeContainer

EXAMPLE = CHECKOUT / "examples" / "shop.yaml"
PROXY = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


@pytest.fixture
def check(image: Image) -> tuple[str, ...]:
    """The words of the command, which no shell runs."""
    form, *words = image.healthcheck
    assert form == "CMD"
    return tuple(words)


@pytest.fixture
def container(make_container: MakeContainer) -> Container:
    """A container with port 8080 of its own, and a proxy that nothing may use."""
    container = make_container(is_networked=False, environment=PROXY)
    assert container.run("apply", "-f", container.write("shop.yaml", EXAMPLE.read_text("utf-8"))).returncode == 0
    return container


def test_process_that_serves_probes_is_healthy(container: Container, check: tuple[str, ...]) -> None:
    container.start("run", "api")

    wait_until(
        lambda: container.execute(*check).returncode == 0 or not container.is_running,
        what=lambda: container.last_lines,
    )

    assert container.is_running, container.last_lines


def test_process_without_probes_at_that_port_is_unhealthy(container: Container, check: tuple[str, ...]) -> None:
    container.start("run", "api", "--health-endpoint=http://127.0.0.1:8081/healthz")
    wait_until(lambda: "listening on" in container.last_lines)

    answer = container.execute(*check)

    assert answer.returncode == 1
    assert "Connection refused" in answer.stderr
