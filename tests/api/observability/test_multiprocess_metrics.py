"""What the processes of one server count and log is told as one."""

import json
from pathlib import Path

from tests.api.observability.test_metrics import samples
from tests.api.servers import make_workspace, running_api
from workspace_operator import bootstrap
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.actions import RequestMigration

REQUESTS = 60
ROUTE = "/api/v1/customers/{ref}"


def test_processes_count_and_log_as_one(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/people.db"
    workspace = make_workspace(database)

    with running_api(database, tmp_path, processes=2) as api:
        for number in range(REQUESTS):
            with api.client(workspace.track) as client:  # a connection each, so that both processes get some
                assert client.put(f"/api/v1/customers/p{number}", json={}).status_code == 200
        told = [samples(api.metrics()) for _ in range(10)]

    assert {each["http_requests_total", "PUT", ROUTE, "2xx"] for each in told} == {REQUESTS}
    assert {each["commands_total", "created", "identify"] for each in told} == {REQUESTS}
    assert {each["people_created_total",] for each in told} == {REQUESTS}
    logged = [json.loads(line) for line in api.log.read_text().splitlines() if line.startswith("{")]
    assert len([each for each in logged if each["route"] == ROUTE]) == REQUESTS
    assert len({each["request"] for each in logged}) == len(logged)
    assert len({each["request"].partition("-")[0] for each in logged}) == 2  # a prefix for each process


def test_any_process_reports_migrations(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/people.db"
    workspace = make_workspace(database)
    with bootstrap.open_store(database) as store:
        change = RequestMigration(
            workspace_id=workspace.workspace_id,
            from_mode=store.workspaces.get(workspace.workspace_id).mode,
            to_mode=Mode.ID_ONLY,
            on_conflict=OnConflict.BLOCK,
        )
        store.workspaces.apply(change, now=bootstrap.utc_now())

    with running_api(database, tmp_path, processes=2) as api:
        told = [samples(api.metrics()) for _ in range(10)]

    assert {each["migrations", "Requested"] for each in told} == {1}
    assert {each["migrations", "Merging"] for each in told} == {0}
