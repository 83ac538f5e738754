"""The access log: one line of JSON per request.

The first fields are those of the other log lines in JSON (bootstrap.logs), so that one parser reads both.

A line names the route, never the path, because paths contain identifiers and e-mail addresses.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final, TextIO

from workspace_operator.http_server.access_records import AccessRecord

WRITE_BYTES: Final = 4096
"""Maximum size of a write of several lines: a pipe does not mix writes of this size with those of other processes."""

_encode = cache(json.dumps)  # of routes and methods, which are few


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLog:
    """Writes access records as whole lines, so that processes can share a stream.

    The requests that end in one iteration of an event loop share a write. ``clock`` gives the time at which a request
    ends.
    """

    stream: TextIO
    clock: Callable[[], datetime]
    _lines: list[str] = field(default_factory=list, init=False)

    def __call__(self, record: AccessRecord) -> None:
        """Write a line, at the end of the iteration if an event loop runs in this thread."""
        self._lines.append(_line(record, self.clock()))
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_soon(self._write)
            except RuntimeError:  # no event loop runs here
                self._write()

    def _write(self) -> None:
        """Write all lines; a closed stream is ignored, because a request must not fail for its log."""
        lines, size = list[str](), 0
        try:
            for line in self._lines:
                if lines and size + len(line) > WRITE_BYTES:
                    self._write_at_once(lines)
                    lines, size = [], 0
                lines.append(line)
                size += len(line)
            self._write_at_once(lines)
        except (OSError, ValueError):  # a closed pipe, a closed stream
            pass
        finally:
            self._lines.clear()

    def _write_at_once(self, lines: list[str]) -> None:
        self.stream.write("".join(lines))
        self.stream.flush()


def _line(record: AccessRecord, time: datetime) -> str:
    """A record as JSON, from values that need no escaping but for the route and the method."""
    return (
        f'{{"time":"{time.isoformat(timespec="milliseconds")}","level":"INFO","logger":"access",'
        f'"request":"{record.request_id}","method":{_encode(record.method)},"route":{_encode(record.route or None)},'
        f'"status":{record.status:d},"received":{record.received},"sent":{record.sent},'
        f'"ms":{record.seconds * 1000:.1f},"workspace":{record.workspace_id or "null"}}}\n'
    )
