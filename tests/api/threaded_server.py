"""The API over real HTTP in a thread of the test, on a store in memory, and a client of it."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx

from tests.api.servers import MadeWorkspace, with_new_keys
from tests.fakes.absent import absent_port
from tests.fakes.database import InMemoryDatabase
from tests.fakes.migrations.exports import FakeExports
from tests.fakes.migrations.migrations import FakeMigrations
from tests.fakes.people.activities import FakeActivities
from tests.fakes.people.audit_log import FakeAuditLog
from tests.fakes.people.people import FakePeople
from tests.fakes.sending.address_blocks import FakeAddressBlocks
from tests.fakes.sending.deliveries import FakeDeliveries
from tests.fakes.sending.templates import FakeTemplateParser, FakeTemplates
from tests.fakes.sending.usage import FakeMessageCounters
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.workspaces import create_workspace
from workspace_operator.application.cleanups.decision_batches import DecideTogether
from workspace_operator.application.cleanups.recent_calls import RecentCalls
from workspace_operator.application.health.probes import ProbeHandlers
from workspace_operator.application.people.command_batcher import Batcher, CommandBatcher
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Credentials, Deliveries, People
from workspace_operator.application.sending.acceptance import AcceptMessages
from workspace_operator.application.sending.tracking import RecordAccesses
from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.http_server.server import Server, bind_sockets
from workspace_operator.identity.model.commands import Command, in_mode
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.sending.keys import RootKey
from workspace_operator.web.app import make_app
from workspace_operator.web.core.dependencies import ACCEPTANCE_LIMITS, Dependencies, Sending
from workspace_operator.web.core.limits import Limits
from workspace_operator.web.observability.metrics import PrometheusMetrics

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
ROOT_KEY = RootKey(bytes(range(32)))


def in_memory_dependencies(memory: InMemoryDatabase, clock: Callable[[], datetime]) -> Dependencies:
    """The dependencies of the API on a store in memory, without an access log."""
    people, cleanups = FakePeople(memory), absent_port()
    return Dependencies(
        sending=in_memory_sending(memory, clock),
        people=people,
        person_records=FakeActivities(memory),
        exports=FakeExports(memory),
        migrations=FakeMigrations(memory),
        cleanups=cleanups,
        decisions=Batcher(execute=DecideTogether(cleanups=cleanups, clock=clock), clock=lambda: clock().timestamp()),
        cleanup_rules=absent_port(),
        undo_previews=absent_port(),
        import_preparation=absent_port(),
        listings=absent_port(),
        listed_calls=absent_port(),
        audit_log=FakeAuditLog(memory),
        workspaces=FakeWorkspaces(memory),
        credentials=FakeCredentials(memory),
        batcher=CommandBatcher(execute=partial(execute_commands, people), clock=lambda: clock().timestamp()),
        recent_calls=RecentCalls(listed_calls=absent_port()),
        clock=clock,
        metrics=PrometheusMetrics(),
        access_log=lambda _: None,
    )


def in_memory_sending(
    memory: InMemoryDatabase, clock: Callable[[], datetime], deliveries: Deliveries | None = None
) -> Sending:
    """What the handlers of messages need, on a store in memory."""
    deliveries, templates = deliveries or FakeDeliveries(memory), FakeTemplates(memory)
    accept = AcceptMessages(deliveries=deliveries, templates=templates, clock=clock)
    return Sending(
        deliveries=deliveries,
        templates=templates,
        address_blocks=FakeAddressBlocks(memory),
        counters=FakeMessageCounters(memory),
        template_parser=FakeTemplateParser(),
        batcher=Batcher(execute=accept, clock=lambda: clock().timestamp(), limits=ACCEPTANCE_LIMITS),
        tracker=Batcher(execute=RecordAccesses(deliveries=deliveries), clock=lambda: clock().timestamp()),
        stored_key=ROOT_KEY,
    )


@dataclass(slots=True, kw_only=True)
class ThreadedServer:
    """A store in memory with workspaces, and a record of what the API serves from it.

    Attributes:
        limits: limits of the server.
        wrap_people: wraps the port of people.
        wrap_credentials: wraps the port of credentials.
        served: the records of the access log.
        transactions: the number of commands in each transaction.
        commands: the commands that the API makes from requests.
        reached: the workspace of each transaction.
    """

    memory: InMemoryDatabase = field(default_factory=lambda: InMemoryDatabase(clock=lambda: NOW))
    limits: Limits = field(default_factory=Limits)
    wrap_people: Callable[[People], People] = lambda people: people
    wrap_credentials: Callable[[Credentials], Credentials] = lambda credentials: credentials
    served: list[AccessRecord] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)
    commands: "list[Command | InvalidInput]" = field(default_factory=list)
    reached: list[int] = field(default_factory=list)

    def open(self, mode: Mode = Mode.EMAIL_OR_ID, name: str = "shop") -> MadeWorkspace:
        """Make a workspace with keys."""
        return self.rotate(create_workspace(FakeWorkspaces(self.memory), name, now=NOW, mode=mode).workspace_id)

    def rotate(self, number: int, grace: timedelta = timedelta(0)) -> MadeWorkspace:
        return with_new_keys(self.credentials, number, now=NOW, grace=grace)

    @property
    def credentials(self) -> FakeCredentials:
        """The port of the keys."""
        return FakeCredentials(self.memory)

    def services(self) -> Dependencies:
        people = self.wrap_people(FakePeople(self.memory))

        def execute(workspace_id: int, commands: Sequence[Command], *, now: int) -> Sequence[CommandResultOrError]:
            """Keep the commands that the API made of requests, and execute them."""
            mode = people.rules(workspace_id).mode
            self.reached.append(workspace_id)
            self.commands.extend(_resolved(command, mode) for command in commands)
            return execute_commands(people, workspace_id, commands, now=now)

        batcher = CommandBatcher(
            execute=execute,
            clock=NOW.timestamp,
            on_batch=lambda calls, _waiting: self.transactions.append(calls),
        )
        return replace(
            in_memory_dependencies(self.memory, lambda: NOW),
            people=people,
            credentials=self.wrap_credentials(self.credentials),
            batcher=batcher,
            access_log=self.served.append,
            limits=self.limits,
        )

    @contextmanager
    def serving(self) -> Iterator["ServerClient"]:
        """Serve the API; at the end, accepted requests are answered first."""
        sockets = bind_sockets("127.0.0.1", 0)
        server = Server(sockets=sockets, limits=self.limits, grace_seconds=5)
        with self.running(server) as stopping:
            yield ServerClient(server=self, port=sockets[0].getsockname()[1], stopping=stopping)

    @contextmanager
    def running(self, server: Server, *probes: ProbeHandlers) -> Iterator[threading.Event]:
        """Run a server in a thread; the event stops it."""
        stopping = threading.Event()
        thread = threading.Thread(target=server.serve, args=(make_app(self.services()), stopping, *probes))
        thread.start()
        try:
            yield stopping
        finally:
            stopping.set()
            thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerClient:
    """A server that runs."""

    server: ThreadedServer
    port: int
    stopping: threading.Event

    def client(self, headers: Mapping[str, str] | None = None, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, **{"timeout": 60} | options)

    def connected(self, *, timeout: float = 60, buffer: int | None = None) -> socket.socket:
        """A bare connection, with a receive buffer of this size."""
        connection = socket.socket()
        connection.settimeout(timeout)
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def exchange(self, *pieces: bytes, timeout: float = 60) -> bytes:
        """Send bytes on a new connection; return everything until the server closes it."""
        with self.connected(timeout=timeout) as connection:
            for piece in pieces:
                connection.sendall(piece)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def person(self, workspace: MadeWorkspace, **named: str) -> Person | None:
        """Find a person by a kind of identifier and its value."""
        [(kind, value)] = named.items()
        reference = reference_of_kind(value, IdentifierKind(kind), Mode.EMAIL_OR_ID)
        return FakePeople(self.server.memory).find(workspace.workspace_id, reference)


def _resolved(command: Command, mode: Mode) -> Command | InvalidInput:
    try:
        return in_mode(command, mode)
    except InvalidInput as error:
        return error
