"""Consoles for tests."""

import pytest

from tests.cli.conftest import crm, run
from tests.console.environment import ConsoleEnv

__all__ = ["crm", "run"]


@pytest.fixture
def env() -> ConsoleEnv:
    """A console of an empty store."""
    return ConsoleEnv()


@pytest.fixture
def nordlicht() -> ConsoleEnv:
    """A console with the workspaces Club, which members reach, and Shop, which only admins reach."""
    env = ConsoleEnv()
    env.workspace("club", color="B23A48")
    env.workspace("shop")
    env.account("club", workspace_limit=5)
    return env
