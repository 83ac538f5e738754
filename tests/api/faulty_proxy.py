"""A proxy in plain HTTP before a server, which refuses requests or loses their answers."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, TypeAlias

from tests.api.servers import RunningAPI

Fault: TypeAlias = Literal["refused", "lost"]
"""Refused: a 503, and the server sees nothing. Lost: the server answers, and the connection ends before that."""


@dataclass(slots=True, kw_only=True)
class FaultyProxy:
    """A proxy that runs.

    Attributes:
        retry_counts: ``X-Retry-Count`` of each request.
    """

    api: RunningAPI
    faults: list[Fault]
    url: str = ""
    retry_counts: list[str | None] = field(default_factory=list)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one POST request."""
        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.retry_counts.append(handler.headers["x-retry-count"])
        fault = self.faults.pop(0) if self.faults else None
        if fault == "refused":
            _answer(handler, 503, b'{"meta":{"error":"away"}}')
            return
        passed = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
        with self.api.client(passed) as client:
            response = client.post(handler.path, content=body)
        if fault == "lost":
            handler.close_connection = True
        else:
            _answer(handler, response.status_code, response.content)


def _answer(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def faulty_proxy(api: RunningAPI, faults: Sequence[Fault]) -> Iterator[FaultyProxy]:
    """Run a proxy whose first requests have faults, one each."""
    proxy = FaultyProxy(api=api, faults=list(faults))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            proxy.handle(self)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
