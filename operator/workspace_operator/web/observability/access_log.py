"""The access log: one line of JSON per request.

The first fields are those of the other log lines in JSON (bootstrap.logs), so that one parser reads both.

A line names the route, never the path, because paths contain identifiers and e-mail addresses.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from workspace_operator.web.core.telemetry import AccessRecord

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLog:
    """Writes access records, each line as one write, so that processes can share a stream.

    ``clock`` gives the time at which a request ends.
    """

    stream: TextIO
    clock: Callable[[], datetime]

    def __call__(self, record: AccessRecord) -> None:
        """Write a line; a closed stream is ignored, because a request must not fail for its log."""
        line = _encode(
            {
                "time": self.clock().isoformat(timespec="milliseconds"),
                "level": "INFO",
                "logger": "access",
                "request": record.request_id,
                "method": record.method,
                "route": record.route or None,
                "status": record.status,
                "received": record.received,
                "sent": record.sent,
                "ms": round(record.seconds * 1000, 1),
                "workspace": record.workspace_id or None,
            }
        )
        try:
            self.stream.write(f"{line}\n")
            self.stream.flush()
        except (OSError, ValueError):  # a closed pipe, a closed stream
            return
