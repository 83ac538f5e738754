"""Containers of the image, which end with their test."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.image.containers import USER, Container
from tests.image.images import Image
from tests.network_ports import free_port

MakeContainer = Callable[..., Container]


@pytest.fixture
def make_container(image: Image, tmp_path: Path) -> Iterator[MakeContainer]:
    """Makes containers that share /data; the keyword arguments are those of `Container`."""
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, USER, USER)
    with ExitStack() as stack:

        def make(**options: object) -> Container:
            container = Container(image=image, folder=tmp_path, data=data, **options)  # type: ignore[arg-type]
            stack.callback(container.remove)
            return container

        yield make


@pytest.fixture
def container(make_container: MakeContainer) -> Container:
    """A container that is not started yet."""
    return make_container()


@pytest.fixture
def port() -> int:
    """The port of the people API."""
    return free_port()


@pytest.fixture
def health_port() -> int:
    """The port of probes and metrics."""
    return free_port()
