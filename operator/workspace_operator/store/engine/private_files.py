"""Files that only their owner can read, and that are on the disk when their writer says so."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def new_private_file(file: Path) -> Iterator[BinaryIO]:
    """Make a file with mode 0600 and open it; it is on the disk when the block ends. Raises FileExistsError."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def sync_file(file: Path) -> None:
    """Have a file on the disk, or the entries of a folder."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
