"""Chunks of a text that is streamed."""

from collections.abc import Iterable, Iterator
from typing import Final

CHUNK_CHARACTERS: Final = 32_000
"""Size of a chunk of CSV; each chunk is made in one call to a worker thread."""


def chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Join lines to chunks that are worth a call to a worker thread."""
    pending: list[str] = []
    size = 0
    for line in lines:
        pending.append(line)
        size += len(line)
        if size >= CHUNK_CHARACTERS:
            yield "".join(pending).encode()
            pending.clear()
            size = 0
    if pending:
        yield "".join(pending).encode()
