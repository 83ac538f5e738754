"""The access log: a line a request, and nothing in it that could be somebody's."""

import io
import json
from datetime import UTC, datetime

from workspace_operator.web.core.telemetry import AccessRecord
from workspace_operator.web.observability.access_log import AccessLog

NOW = datetime(2026, 11, 22, 5, 0, 0, 250_000, UTC)


class Unread(io.StringIO):
    """A stream whose reader has gone."""

    attempts = 0

    def write(self, _text: str) -> int:
        self.attempts += 1
        raise BrokenPipeError


def served(route: str = "/api/v1/customers/{ref}", workspace_id: int = 7) -> AccessRecord:
    return AccessRecord(
        request_id="5e3f-1",
        method="PUT",
        route=route,
        status=200,
        seconds=0.012_34,
        workspace_id=workspace_id,
        received=120,
        sent=3,
    )


def lines(*all_served: AccessRecord) -> list[dict[str, object]]:
    stream = io.StringIO()
    log = AccessLog(stream=stream, clock=lambda: NOW)
    for each in all_served:
        log(each)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_says_what_was_served() -> None:
    assert lines(served()) == [
        {
            "time": "2026-11-22T05:00:00.250+00:00",
            "request": "5e3f-1",
            "method": "PUT",
            "route": "/api/v1/customers/{ref}",
            "status": 200,
            "received": 120,
            "sent": 3,
            "ms": 12.3,
            "workspace": 7,
        }
    ]


def test_each_request_has_a_line() -> None:
    assert len(lines(served(), served(), served())) == 3


def test_unknown_path_has_no_route() -> None:
    (line,) = lines(served(route="", workspace_id=0))

    assert line["route"] is None
    assert line["workspace"] is None


def test_lost_reader_fails_no_request() -> None:
    stream = Unread()
    log = AccessLog(stream=stream, clock=lambda: NOW)

    log(served())
    log(served())

    assert stream.attempts == 2


def test_closed_stream_fails_no_request() -> None:
    stream = io.StringIO()
    log = AccessLog(stream=stream, clock=lambda: NOW)

    stream.close()
    log(served())

    assert stream.closed
