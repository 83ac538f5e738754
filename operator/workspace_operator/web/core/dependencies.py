"""The dependencies of the handlers, as one value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workspace_operator.application.people.command_batcher import CommandBatcher
from workspace_operator.application.ports import Credentials, Exports, People, PersonRecords, Workspaces
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.web.core.json_body import RequestParser
from workspace_operator.web.core.limits import Limits
from workspace_operator.web.core.telemetry import AccessRecord, Metrics


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
