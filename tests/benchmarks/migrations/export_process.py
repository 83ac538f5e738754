"""A report of violations as CSV, in a process of its own. Run as a program; prints JSON.

python -m tests.benchmarks.migrations.export_process URL WORKSPACE
"""

import json
import sys
import time
from itertools import islice

from tests.benchmarks.measurement import memory_megabytes
from workspace_operator import bootstrap
from workspace_operator.application.people.csv_export import violation_lines

FIRST_ROWS = 10_000
"""After so many memory is looked at for the first time: what comes later must not add to it."""


def main(url: str, workspace_id: str) -> None:
    """Write the newest report, and throw it away."""
    with bootstrap.open_store_lazily(url) as store:
        number = store.exports.exports(int(workspace_id))[0].number
        start = time.perf_counter()
        lines = violation_lines(store.exports.violations(int(workspace_id), number))
        next(lines)  # names the columns
        rows = sum(1 for _ in islice(lines, FIRST_ROWS))
        first = memory_megabytes()
        rows += sum(1 for _ in lines)
        took = time.perf_counter() - start
    print(json.dumps({"rows": rows, "seconds": took, "first_megabytes": first, "megabytes": memory_megabytes()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
