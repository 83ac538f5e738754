"""Decisions of a cleanup over HTTP, one a request, about a change that many people block."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

from tests.api.servers import MadeWorkspace, running_api, with_new_keys
from tests.benchmarks.bulk_data import ViolationShares
from tests.benchmarks.measurement import at_least, databases, print_table, processor_seconds
from tests.benchmarks.migrations.environments import NAME, Environment, environment
from tests.benchmarks.test_api import RUNS, Load
from tests.store.backends import Clock, sql_store
from tests.store.fixtures import WorkspaceEnv, owner
from workspace_operator.application.ports import Actor
from workspace_operator.identity.values.rules import Mode
from workspace_operator.workspaces.app_keys import AppKeyMay

PEOPLE = 20_000
PAIRS = ViolationShares(sharing=1)
CONNECTIONS = 4
DECISIONS = PEOPLE // RUNS


def with_draft(made: Environment) -> MadeWorkspace:
    """Have all people block the change, open a cleanup, and make keys that may clean up."""
    store = sql_store(made.database, Clock(datetime.now(UTC)))
    env = WorkspaceEnv(store=store, owner=owner(NAME), workspace_id=made.workspace_id)
    env.update_settings(app_key_may=AppKeyMay.CLEAN)
    migration = env.migrate_to(Mode.EMAIL_OR_ID)
    assert migration.violations.people_concerned == PEOPLE
    store.sql_cleanups.open(made.workspace_id, actor=Actor.app_key(1), now=store.clock())
    return with_new_keys(store.credentials, made.workspace_id, now=store.clock())


def decisions(workspace: MadeWorkspace, first: int) -> Iterator[bytes]:
    """A request for each of DECISIONS people, to clear the address."""
    for number in range(first, first + DECISIONS):
        body = json.dumps({"decisions": [{"cio_id": f"{number:024x}", "action": "clear"}]}).encode()
        head = (
            "PUT /v1/cleanups/1/decisions HTTP/1.1\r\nhost: localhost\r\n"
            f"authorization: {workspace.app['authorization']}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


@pytest.mark.bench
@databases
def test_decisions_over_http(title: str, tmp_path: Path) -> None:
    rates, spent = list[float](), list[float]()
    with environment(title, tmp_path, PEOPLE, PAIRS) as made:
        workspace = with_draft(made)
        loads = [
            Load.of(decisions(workspace, DECISIONS * run), tmp_path / f"load-{run}", connections=CONNECTIONS)
            for run in range(RUNS)
        ]
        with running_api(made.url, tmp_path) as api:
            for load in loads:
                before = processor_seconds(api.pid)
                rates.append(load.send(api.port))
                spent.append((processor_seconds(api.pid) - before) / DECISIONS)
            with api.client(workspace.app) as client:
                cleanup = client.get("/v1/cleanups/1").json()["cleanup"]

    assert (cleanup["decisions"]["clear"], cleanup["people_blocking_after"]) == (PEOPLE, 0)
    print_table(
        f"Decisions of a cleanup over HTTP, one a request, {PEOPLE:,} people block, {CONNECTIONS} connections, one "
        f"process, {title}; load average {os.getloadavg()[0]:.1f}",
        [
            at_least(f"decisions a second, median of {RUNS}", median(rates), 300, "{:,.0f}"),
            ("slowest and fastest", "", f"{min(rates):,.0f}, {max(rates):,.0f}"),
            ("processor time of the API for each, least and median", "", f"{_microseconds(spent)} µs"),
        ],
    )


def _microseconds(spent: list[float]) -> str:
    return f"{min(spent) * 1e6:,.0f} and {median(spent) * 1e6:,.0f}"
