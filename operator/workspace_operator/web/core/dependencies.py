"""The dependencies of the handlers, as one value, and the limits of the server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from workspace_operator.application.people.command_batcher import CommandBatcher
from workspace_operator.application.ports import Credentials, Exports, People, PersonRecords, Workspaces
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.web.core.http import AccessRecord
from workspace_operator.web.core.request_parser import RequestParser

MULTIPROCESS_DIR_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory of shared metrics; prometheus_client reads it at its first import."""


class Metrics(Protocol):
    """Metrics of requests and commands."""

    def count_request(self, record: AccessRecord) -> None:
        """Count a request; called on the event loop."""
        ...

    def count_command(self, kind: str, result: CommandResultOrError) -> None:
        """Count a command by its kind and effect; called on the event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on the resources that clients can use; sizes in bytes, times in seconds.

    Attributes:
        path: size of the path with its query.
        headers: total size of the header names and values.
        header_count: number of headers.
        header_seconds: time from the start of a connection or request to the end of its headers.
        body_seconds: time from the headers to the end of the body.
        idle_seconds: time between two requests of a connection.
        write_seconds: time for a client to receive a chunk of the response.
        connections: open connections per process.
        body_budget: total size of all bodies that a process reads at once.
        wrong_keys: wrong keys per address and minute before further responses to them are delayed.
        wrong_key_seconds: that delay.
    """

    path: int = 8_000
    headers: int = 16_000
    header_count: int = 100
    header_seconds: float = 10.0
    body_seconds: float = 20.0
    idle_seconds: float = 75.0
    write_seconds: float = 20.0
    connections: int = 1_000
    body_budget: int = 32_000_000
    wrong_keys: int = 20
    wrong_key_seconds: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The dependencies of the handlers.

    Ports are synchronous: call them through ``starlette.concurrency.run_in_threadpool``. People are written only
    through ``batcher``. ``public_url`` is the base URL of links; if empty, see ``base_urls``. ``parser`` parses bodies.
    """

    people: People
    person_records: PersonRecords
    exports: Exports
    workspaces: Workspaces
    credentials: Credentials
    batcher: CommandBatcher
    clock: Callable[[], datetime]
    metrics: Metrics
    access_log: Callable[[AccessRecord], None]
    limits: Limits = field(default_factory=Limits)
    public_url: str = ""
    parser: RequestParser = field(default_factory=RequestParser)

    async def execute(
        self, workspace_id: int, commands: Sequence[tuple[str, Command]]
    ) -> Sequence[CommandResultOrError]:
        """Carry out and count commands, given with their kinds; raises as `CommandBatcher.submit`."""
        results = await self.batcher.submit(workspace_id, [command for _, command in commands])
        for (kind, _), result in zip(commands, results, strict=True):
            self.metrics.count_command(kind, result)
        return results
