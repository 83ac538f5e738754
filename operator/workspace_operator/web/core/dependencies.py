"""What handlers need from outside, handed over in one value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from workspace_operator.application.people.command_batcher import CommandBatcher
from workspace_operator.application.ports import (
    CommandResultOrError,
    Credentials,
    Exports,
    People,
    PersonRecords,
    Workspaces,
)
from workspace_operator.identity.model.commands import UnresolvedCommand
from workspace_operator.web.core.http import AccessRecord
from workspace_operator.web.core.request_parser import RequestParser

MULTIPROCESS_DIR_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder where processes count together; prometheus_client reads it when it is first imported."""


class Metrics(Protocol):
    """What is counted of requests."""

    def count_request(self, record: AccessRecord) -> None:
        """Count a request; called on the event loop."""
        ...

    def count_command(self, kind: str, result: CommandResultOrError) -> None:
        """Count a call, by what it was meant to do and what came of it; called on the event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may take of the server; sizes are bytes, times seconds.

    Attributes:
        path: of the path with its query.
        headers: of all names and values.
        header_count: how many headers.
        header_seconds: from the first byte of a request, or the connection, to the end of its headers.
        body_seconds: from the headers to the end of the body.
        idle_seconds: between two requests of a connection.
        write_seconds: for a client to take a piece of the reply.
        connections: at once, a process.
        bodies: of all bodies that are being read at once, a process.
        wrong_keys: that an address may send in a minute before its wrong keys are answered late.
        wrong_key_seconds: how much later.
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
    """What handlers need from outside.

    Ports are synchronous: call them through ``starlette.concurrency.run_in_threadpool``. Writes of people go through
    ``calling`` only. ``public_url`` is what links begin with; empty: see ``base_urls``. Bodies are
    parsed by ``parser``.
    """

    people: People
    person_records: PersonRecords
    exports: Exports
    workspaces: Workspaces
    credentials: Credentials
    calling: CommandBatcher
    clock: Callable[[], datetime]
    metrics: Metrics
    access_log: Callable[[AccessRecord], None]
    limits: Limits = field(default_factory=Limits)
    public_url: str = ""
    parser: RequestParser = field(default_factory=RequestParser)

    async def execute(
        self, workspace_id: int, commands: Sequence[tuple[str, UnresolvedCommand]]
    ) -> Sequence[CommandResultOrError]:
        """Have calls carried out, each named by what it is meant to do; as `CommandBatcher.submit`."""
        results = await self.calling.submit(workspace_id, [command for _, command in commands])
        for (kind, _), result in zip(commands, results, strict=True):
            self.metrics.count_command(kind, result)
        return results
