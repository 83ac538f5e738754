"""The access log: one line of JSON a request. It names routes, never paths, since those hold ids and addresses."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from workspace_operator.web.core.http import AccessRecord

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLog:
    """Writes what was served; a line is one write, so that processes can share a stream.

    Attributes:
        stream: standard output, as a rule.
        clock: the time of the end of a request.
    """

    stream: TextIO
    clock: Callable[[], datetime]

    def __call__(self, record: AccessRecord) -> None:
        """Write a line. A log that nobody reads any more is no reason to fail."""
        line = _encode(
            {
                "time": self.clock().isoformat(timespec="milliseconds"),
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
