"""The workspace in memory that a test imports files into or deletes people from."""

import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.identity.values.rules import Mode


@pytest.fixture
def mode() -> Mode:
    """The mode of the workspace; tests parametrize it."""
    return Mode.EMAIL_OR_ID


@pytest.fixture
def env(mode: Mode) -> ImportEnv:
    return ImportEnv.of(mode)
