"""A writable copy of a root file system that shows what was written to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.image.commands import output_of


@contextmanager
def writable_copy(root: Path, folder: Path) -> Iterator[tuple[Path, Path]]:
    """An overlay on `root` until the end of the block, and the folder of the files that were written to it."""
    merged, changes, work = (folder / name for name in ("merged", "changes", "work"))
    for path in (merged, changes, work):
        path.mkdir(parents=True)
    options = f"lowerdir={root},upperdir={changes},workdir={work}"
    output_of("mount", "-t", "overlay", "overlay", "-o", options, merged)
    try:
        yield merged, changes
    finally:
        output_of("umount", merged)
