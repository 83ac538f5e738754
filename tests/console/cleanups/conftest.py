"""Clubs for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.cleanups.club import Club


@pytest.fixture
def empty_club(tmp_path: Path) -> Iterator[Club]:
    """A club without people."""
    with Club.opened(tmp_path) as club:
        yield club


@pytest.fixture
def club(empty_club: Club) -> Club:
    """A club whose people block its change."""
    empty_club.fill()
    empty_club.block()
    return empty_club
