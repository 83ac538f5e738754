"""A process whose database another one upgrades: not ready meanwhile, and not ready ever after; alive all the time.

Its worker does nothing on the schema of another version.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx
import sqlalchemy as sa

from tests.api.servers import running_api
from tests.commands import running, status_of
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.workspaces import create_workspace
from workspace_operator import bootstrap
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import RequestMigration
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.upgrades import _upgrade, known_revisions, upgrade

NOTICED_WITHIN = 15
"""The check runs every 5 seconds; the rest is for machines that are busy."""


def test_old_process_is_not_ready_during_and_after_an_upgrade(postgres_url: str, tmp_path: Path) -> None:
    newer = Database(postgres_url, prepare=upgrade)
    with running_api(postgres_url, tmp_path) as api:
        with newer.engine.begin() as connection:
            _upgrade(connection)
            wait_until(lambda: not api.is_ready(), within=NOTICED_WITHIN)
        wait_until(api.is_ready, within=NOTICED_WITHIN)

        newer.writing(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
        wait_until(lambda: not api.is_ready(), within=NOTICED_WITHIN)

        assert status_of(f"{api.health}/healthz", timeout=5) == httpx.codes.OK
        log = api.log.read_text()
        assert "another process is upgrading the schema of the database" in log
        assert "has the schema of another version (revision 9999" in log
    newer.close()


def set_revision(file: Path, revision: str) -> None:
    with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def test_old_worker_does_nothing_on_a_newer_schema(tmp_path: Path) -> None:
    file, health = tmp_path / "store.db", f"http://127.0.0.1:{free_port()}"
    url = f"sqlite:///{file}"

    def is_ready() -> bool:
        return status_of(f"{health}/readyz", timeout=5) == httpx.codes.OK

    with (
        bootstrap.open_store(url) as store,
        running("run", "worker", "--database", url, "--health-endpoint", f"{health}/healthz"),
    ):
        workspace = create_workspace(store.workspaces, "shop", now=store.clock(), mode=Mode.ID_ONLY)

        def stage() -> Stage:
            newest = store.migrations.newest(workspace.workspace_id)
            assert newest is not None
            return newest.stage

        wait_until(is_ready, within=30)
        set_revision(file, "9999")
        wait_until(lambda: not is_ready(), within=NOTICED_WITHIN)
        change = RequestMigration(
            workspace_id=workspace.workspace_id,
            from_mode=Mode.ID_ONLY,
            to_mode=Mode.EMAIL_OR_ID,
            on_conflict=OnConflict.BLOCK,
        )
        store.workspaces.apply(change, now=store.clock())
        time.sleep(2)
        assert stage() is Stage.REQUESTED
        set_revision(file, known_revisions()[-1])
        wait_until(lambda: stage() is Stage.COMPLETED, within=NOTICED_WITHIN)
