"""A workspace with one person, and its messages."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import Crm
from tests.cli.sending.outbox import Outbox, opened_outbox


@pytest.fixture
def outbox(crm: Crm) -> Iterator[Outbox]:
    """The messages of default/crm, whose people are ada@example.com and bob@example.com."""
    crm("EmailOrID", "email,id\nada@example.com,1\nbob@example.com,2\n")
    with opened_outbox() as opened:
        yield opened
