"""A worker of cleanups in a process of its own, which applies or undoes what is requested. Run as a program.

    python -m tests.benchmarks.cleanups.apply_process URL

It prints a JSON object: the seconds, and the processor seconds of this process.
"""

import json
import sys
import time
from datetime import timedelta

from workspace_operator import bootstrap
from workspace_operator.application.cleanups.worker import CleanupWorker


def main(url: str) -> None:
    """Work until nothing is due."""
    with bootstrap.open_store_lazily(url) as store:
        worker = CleanupWorker(
            cleanups=store.cleanups, worker="bench", clock=store.clock, undo_period=timedelta(days=30)
        )
        started, used = time.perf_counter(), time.process_time()
        while worker.work_once():
            pass
        print(json.dumps({"seconds": time.perf_counter() - started, "processor": time.process_time() - used}))


if __name__ == "__main__":
    main(*sys.argv[1:])
