"""``workspacectl`` that tells how many objects its process holds: SIGUSR1 has it write the number to a file."""

import gc
import os
import signal
from pathlib import Path

from workspace_operator.cli.app import main

FILE = "WORKSPACE_OPERATOR_TEST_OBJECTS_FILE"


def write_count(*_: object) -> None:
    """Write the number of live objects that the garbage collector tracks, after a full collection."""
    gc.collect()
    file = Path(os.environ[FILE])
    file.with_suffix(".part").write_text(str(len(gc.get_objects())))
    file.with_suffix(".part").rename(file)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, write_count)
    main()
