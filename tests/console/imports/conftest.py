"""A workspace for imports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.cleanups.club import Club
from tests.console.imports.import_console import ImportConsole


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ImportConsole]:
    with Club.opened(tmp_path) as club:
        yield ImportConsole.of(club)
