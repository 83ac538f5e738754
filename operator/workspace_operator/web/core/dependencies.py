"""The dependencies of the handlers, as one value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from workspace_operator.application.cleanups.decision_batches import DraftDecisions
from workspace_operator.application.cleanups.decision_batches import Outcome as DecisionOutcome
from workspace_operator.application.cleanups.recent_calls import RecentCalls
from workspace_operator.application.imports.preparation import ImportPreparation
from workspace_operator.application.people.command_batcher import Batcher, BatcherLimits, CommandBatcher
from workspace_operator.application.ports import (
    AddressBlocks,
    AuditLog,
    CleanupRules,
    Cleanups,
    Credentials,
    Deliveries,
    Exports,
    ListedCalls,
    Listings,
    MessageCounters,
    Migrations,
    People,
    PersonRecords,
    TemplateParser,
    Templates,
    UndoPreviews,
    Workspaces,
)
from workspace_operator.application.sending.acceptance import AcceptanceResult
from workspace_operator.application.sending.tracking import Access
from workspace_operator.errors import NotConfigured
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.requests.send_requests import SendRequest
from workspace_operator.web.core.json_body import RequestParser
from workspace_operator.web.core.limits import Limits
from workspace_operator.web.core.telemetry import Metrics

# An answer must reach the vendor's Python client within 10 s. Bodies have up to 4 MiB, so a transaction takes few.
ACCEPTANCE_LIMITS: Final = BatcherLimits(max_queue=2_000, max_batch=64, queue_timeout=3.0, write_timeout=5.0)
# Requests, of which each has up to a thousand decisions.
DECISION_LIMITS: Final = BatcherLimits(max_queue=200, max_batch=64)
TRACKING_LIMITS: Final = BatcherLimits(max_queue=5_000, max_batch=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What the handlers of messages need.

    Attributes:
        counters: messages sent, by month.
        batcher: accepts messages.
        tracker: records opened messages and clicks.
        stored_key: the root key of the installation; None without one.
        close: ends what the parser runs; called when the server stops.
    """

    deliveries: Deliveries
    templates: Templates
    address_blocks: AddressBlocks
    counters: MessageCounters
    template_parser: TemplateParser
    batcher: Batcher[SendRequest, AcceptanceResult]
    tracker: Batcher[Access, None]
    stored_key: RootKey | None
    close: Callable[[], None] = lambda: None

    @property
    def root_key(self) -> RootKey:
        """The root key. Raises NotConfigured without one."""
        if self.stored_key is None:
            raise NotConfigured(
                "this server has no root key, so it can neither accept nor name messages: start it with --root-key-file"
            )
        return self.stored_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The dependencies of the handlers.

    Ports are synchronous: call them through ``starlette.concurrency.run_in_threadpool``. People are written only
    through ``batcher``, decisions of cleanups only through ``decisions``. ``public_url`` is the base URL of links; if
    empty, see ``base_urls``. ``parser`` parses bodies.
    """

    people: People
    person_records: PersonRecords
    exports: Exports
    migrations: Migrations
    cleanups: Cleanups
    cleanup_rules: CleanupRules
    undo_previews: UndoPreviews
    import_preparation: ImportPreparation
    listings: Listings
    listed_calls: ListedCalls
    audit_log: AuditLog
    workspaces: Workspaces
    credentials: Credentials
    batcher: CommandBatcher
    decisions: Batcher[DraftDecisions, DecisionOutcome]
    recent_calls: RecentCalls
    sending: Sending
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
