"""A process whose database another one upgrades: not ready meanwhile, and not ready ever after; alive all the time."""

from pathlib import Path

import httpx
import sqlalchemy as sa

from tests.api.servers import running_api
from tests.commands import status_of
from tests.e2e.waiting import wait_until
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.upgrades import _upgrade, upgrade

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
