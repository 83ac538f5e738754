"""The controller of a cluster in memory."""

import pytest

from tests.controller.fixtures import ControllerEnv


@pytest.fixture
def env() -> ControllerEnv:
    return ControllerEnv()
