"""The audit log over the App API, and the downloads that it records."""

import httpx
import pytest

from tests.api.app_api.test_exports import link, row
from tests.api.app_api_client import AppApiClient
from tests.api.threaded_server import NOW, in_memory_dependencies
from tests.fakes.people.audit_log import FakeAuditLog
from workspace_operator.application.ports import Actor, AuditAction, AuditEntry
from workspace_operator.web.app import make_app
from workspace_operator.web.app_api.downloads import sign


def record(app_api: AppApiClient, *subjects: str) -> None:
    log = FakeAuditLog(app_api.memory)
    for subject in subjects:
        entry = AuditEntry(
            workspace_id=app_api.number,
            at=NOW,
            actor=Actor.installation("root"),
            action=AuditAction.MERGE_UNDONE,
            subject=subject,
            detail={"unavailable": 1},
        )
        log.record(entry)


def test_entries_are_documents(app_api: AppApiClient) -> None:
    record(app_api, "merge 1")

    (entry,) = app_api.read("/v1/audit")["entries"]

    assert entry.pop("id")
    assert entry == {
        "timestamp": int(NOW.timestamp()),
        "actor": "installation (root)",
        "via": "CLI",
        "action": "merge_undone",
        "subject": "merge 1",
        "detail": {"unavailable": 1},
    }


def test_pages_are_read_one_after_the_other(app_api: AppApiClient) -> None:
    record(app_api, *"abc")

    first = app_api.read("/v1/audit?limit=2")
    second = app_api.read(f"/v1/audit?limit=2&after={first['next']}")

    assert [entry["subject"] for entry in first["entries"]] == ["c", "b"]
    assert first["next"] == first["entries"][-1]["id"]
    assert [entry["subject"] for entry in second["entries"]] == ["a"]
    assert second["next"] == ""


def test_a_page_that_is_just_full_is_the_last(app_api: AppApiClient) -> None:
    record(app_api, *"ab")

    assert app_api.read("/v1/audit?limit=2")["next"] == ""


def test_key_reads_the_log_of_its_own_workspace(app_api: AppApiClient) -> None:
    record(AppApiClient.of(beside=app_api), "other")

    assert app_api.read("/v1/audit") == {"entries": [], "next": ""}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", f"after={'x' * 151}", "before=1"])
def test_bad_query_is_refused(app_api: AppApiClient, query: str) -> None:
    assert app_api.get(f"/v1/audit?{query}").status_code == 400


def test_download_is_recorded_with_its_key_and_rows(app_api: AppApiClient) -> None:
    app_api.put_export(row("01"), row("02"))

    app_api.get(link(app_api))

    (entry,) = app_api.read("/v1/audit")["entries"]
    assert (entry["actor"], entry["via"]) == ("app key 1", "API")
    assert (entry["action"], entry["subject"], entry["detail"]) == ("downloaded", "export 1", {"rows": 2})


def test_link_alone_is_no_download(app_api: AppApiClient) -> None:
    app_api.put_export(row("01"))

    link(app_api)
    app_api.get("/v1/downloads/1-1-1-1-0")

    assert app_api.read("/v1/audit")["entries"] == []


@pytest.mark.anyio
async def test_request_of_headers_only_is_no_download() -> None:
    app_api = AppApiClient.of()
    app_api.put_export(row("01"))
    dependencies = in_memory_dependencies(app_api.memory, lambda: NOW)
    (stored,) = app_api.credentials.valid_sets(app_api.number, now=NOW)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=make_app(dependencies)), base_url="http://test"
    ) as client:
        response = await client.head(f"/v1/downloads/{sign(stored, 1, now=NOW)}")

    assert response.status_code == 200
    assert app_api.memory.audit_entries == []
