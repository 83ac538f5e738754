"""Downloads from the server as it is run, on real databases: streamed across threads, and ended with their client."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.servers import MadeWorkspace, RunningAPI, make_workspace, running_api
from workspace_operator import bootstrap
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import ID, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.actions import RequestMigration

PEOPLE = 20_000
CONCURRENT = 2_000
DISCONNECTING_CLIENTS = 30
"""More than a process has connections to its database."""


@pytest.fixture
def workspace(database_url: str) -> MadeWorkspace:
    made = make_workspace(database_url, mode=Mode.ID_ONLY)
    with bootstrap.open_store(database_url) as store:
        for first in range(0, PEOPLE, CONCURRENT):
            ids = [f"p{number}" for number in range(first, first + CONCURRENT)]
            calls = [identify_from_fields(reference_of_kind(each, ID, Mode.ID_ONLY), {"email": "none"}) for each in ids]
            execute_commands(store.people, made.workspace_id, calls, now=1_750_000_000)
        wanted = RequestMigration(
            workspace_id=made.workspace_id,
            from_mode=Mode.ID_ONLY,
            to_mode=Mode.EMAIL_OR_ID,
            on_conflict=OnConflict.BLOCK,
        )
        store.workspaces.apply(wanted, now=bootstrap.utc_now())
        assert bootstrap.make_migration_worker(store).work_once()
    return made


@pytest.fixture
def api(database_url: str, workspace: MadeWorkspace, tmp_path: Path) -> Iterator[RunningAPI]:
    assert workspace.workspace_id
    with running_api(database_url, tmp_path) as running:
        yield running


def link(api: RunningAPI, workspace: MadeWorkspace) -> str:
    with api.client(workspace.app) as client:
        url: str = client.get("/v1/exports/1/download").json()["url"]
    return url


def test_whole_export_is_downloaded_without_a_key(api: RunningAPI, workspace: MadeWorkspace) -> None:
    response = httpx.get(link(api, workspace), timeout=60)

    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert {each["id"] for each in rows} == {f"p{number}" for number in range(PEOPLE)}
    assert {each["_violations"] for each in rows} == {"invalidEmail"}


def test_clients_that_leave_take_no_connection_with_them(api: RunningAPI, workspace: MadeWorkspace) -> None:
    url = link(api, workspace)

    for _ in range(DISCONNECTING_CLIENTS):
        with httpx.stream("GET", url) as response:
            next(response.iter_raw())

    assert httpx.get(url, timeout=60).text.count("\n") == PEOPLE + 1
    assert api.is_ready()
