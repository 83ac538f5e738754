"""Identifier changes over the App API: they are read, and one that people block is tried again."""

import pytest

from tests.api.cleanups.cleanup_client import CleanupClient, error_of
from tests.store.backends import START, Store
from workspace_operator.identity.values.rules import Mode

NOW = int(START.timestamp())


def test_migration_is_read_whole(shop: CleanupClient) -> None:
    assert shop.read("/v1/migrations/1")["migration"] == {
        "number": 1,
        "from": "IDOnly",
        "to": "EmailOrID",
        "on_conflict": "Block",
        "stage": "Blocked",
        "stage_since": NOW,
        "paused": False,
        "requested_at": NOW,
        "started_at": NOW,
        "completed_at": None,
        "estimated_completion": None,
        "people_total": 6,
        "people_checked": 6,
        "people_without_id": 0,
        "people_without_identifier": 0,
        "people_to_merge": 0,
        "people_merged": 0,
        "ids_given_up": 0,
        "people_blocking": 5,
        "violations": {"duplicateEmail": 3, "invalidEmail": 1, "suppressedEmail": 0, "idIsAnotherEmail": 1},
        "export": 1,
    }


def test_migrations_are_listed_newest_first(shop: CleanupClient) -> None:
    shop.env.cancel()
    shop.env.request(Mode.EMAIL_OR_ID)

    newest, oldest = shop.read("/v1/migrations")["migrations"]

    assert (newest["number"], newest["stage"]) == (2, "Requested")
    assert (oldest["number"], oldest["stage"], oldest["completed_at"]) == (1, "Cancelled", NOW)


def test_workspace_without_migrations(sql: Store) -> None:
    assert CleanupClient.of(sql).read("/v1/migrations") == {"migrations": []}


@pytest.mark.parametrize("number", ["2", "01", "0", "-1", "one", "9" * 30, "1.0", "%20"])
@pytest.mark.parametrize("path", ["", "/violations"])
def test_unknown_migration_is_not_found(shop: CleanupClient, number: str, path: str) -> None:
    response = shop.get(f"/v1/migrations/{number}{path}")

    assert response.status_code == 404
    assert "GET /v1/migrations lists" in error_of(response)


def test_blocked_migration_is_tried_again(shop: CleanupClient) -> None:
    assert shop.env.work() is False

    response = shop.post("/v1/migrations/1/retry")

    assert (response.status_code, response.json()["migration"]["stage"]) == (202, "Blocked")
    assert shop.env.work() is True
    [entry] = shop.read("/v1/audit")["entries"]
    assert (entry["actor"], entry["via"], entry["action"]) == ("app key 1", "API", "retried")
    assert (entry["subject"], entry["detail"]) == ("migration 1", {})


def test_only_a_blocked_migration_is_tried_again(shop: CleanupClient) -> None:
    assert shop.post("/v1/migrations/2/retry").status_code == 404
    shop.env.pause()
    suspended = shop.post("/v1/migrations/1/retry")
    shop.env.resume()
    shop.env.cancel()
    ended = shop.post("/v1/migrations/1/retry")

    assert (suspended.status_code, ended.status_code) == (409, 409)
    assert "spec.suspend" in error_of(suspended)
    assert "Cancelled" in error_of(ended)
    assert shop.read("/v1/audit")["entries"] == []
