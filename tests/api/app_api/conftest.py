"""The workspace in memory that a test reads over the App API."""

import pytest

from tests.api.app_api_client import AppApiClient


@pytest.fixture
def app_api() -> AppApiClient:
    return AppApiClient.of()
