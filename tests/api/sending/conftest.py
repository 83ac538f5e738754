"""The workspace in memory that a test sends messages of."""

from collections.abc import Iterator

import pytest

from tests.api.sending.send_client import SendClient, send_client


@pytest.fixture
def shop() -> Iterator[SendClient]:
    with send_client() as client:
        yield client
