"""A worker of imports in a process of its own, to be killed: ``URL SECONDS``, where its clock begins after START."""

import sys
import time
from datetime import timedelta

from tests.store.backends import START
from tests.store.imports.import_env import UNDO_PERIOD
from workspace_operator.application.imports.worker import ImportWorker
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.imports.imports import SQLImports
from workspace_operator.store.repositories.people import SQLPeople


def main(url: str, seconds: str) -> None:
    began, database = time.monotonic(), Database(url)
    worker = ImportWorker(
        imports=SQLImports(database),
        people=SQLPeople(database),
        worker=f"w{seconds}",
        clock=lambda: START + timedelta(seconds=float(seconds) + time.monotonic() - began),
        undo_period=UNDO_PERIOD,
        batch=3,
    )
    print("ready", flush=True)
    while worker.work_once():
        pass
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
