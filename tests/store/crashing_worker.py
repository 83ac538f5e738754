"""A worker process to kill: ``python -m tests.store.crashing_worker URL SECONDS-AHEAD``.

It prints that it is ready, waits for a line, and works until nothing is due.
"""

import sys
from datetime import UTC, datetime, timedelta

from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.migrations import SQLMigrations

BATCH = 10


def main(url: str, ahead: str) -> None:
    database = Database(url)
    worker = MigrationWorker(
        migrations=SQLMigrations(database),
        worker=f"ahead-{ahead}",
        clock=lambda: datetime.now(UTC) + timedelta(seconds=float(ahead)),
        batch=BATCH,
    )
    print("ready", flush=True)
    sys.stdin.readline()
    while worker.work_once():
        pass
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
