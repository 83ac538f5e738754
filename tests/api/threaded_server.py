"""The API over real HTTP in a thread of the test, on a store in memory; with short words for what callers do."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Any

import httpx

from tests.api.servers import MadeWorkspace
from tests.fakes.database import InMemoryDatabase
from tests.fakes.migrations.exports import FakeExports
from tests.fakes.people.activities import FakeActivities
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from workspace_operator.application.operator.api_keys import digests_of, generate_api_keys
from workspace_operator.application.people.command_batcher import BatcherLimits, CommandBatcher
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Credentials, People
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import Command, in_mode
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.reconcile.model.actions import CreateWorkspace
from workspace_operator.web.app import make_app
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.limits import Limits
from workspace_operator.web.core.telemetry import AccessRecord
from workspace_operator.web.observability.metrics import PrometheusMetrics
from workspace_operator.web.server.http_server import Server, bind_sockets
from workspace_operator.workspaces.model import Owner, Settings

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class ThreadedServer:
    """A store in memory with workspaces, and what the API has served of it.

    Attributes:
        limits: of the server.
        waiting: of the calls.
        between: puts something between the API and the people.
        before_credentials: puts something between the API and the credentials.
        served: what the access log was told.
        transactions: how many calls shared each.
        heard: the calls that the API made of requests.
        reached: the workspace of each transaction.
    """

    memory: InMemoryDatabase = field(default_factory=lambda: InMemoryDatabase(clock=lambda: NOW))
    limits: Limits = field(default_factory=Limits)
    waiting: BatcherLimits = field(default_factory=BatcherLimits)
    wrap_people: Callable[[People], People] = lambda people: people
    wrap_credentials: Callable[[Credentials], Credentials] = lambda credentials: credentials
    served: list[AccessRecord] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)
    commands: "list[Command | InvalidInput]" = field(default_factory=list)
    reached: list[int] = field(default_factory=list)

    def open(self, mode: Mode = Mode.EMAIL_OR_ID, name: str = "shop") -> MadeWorkspace:
        """Make a workspace with keys."""
        workspaces = FakeWorkspaces(self.memory)
        owner = Owner(cluster="c", namespace="default", name=name, uid=name)
        wanted = CreateWorkspace(owner=owner, account="default", mode=mode, settings=Settings(display_name=name))
        workspaces.apply(wanted, now=NOW)
        number = workspaces.find("default", name).workspace_id
        return self.rotate(number)

    def rotate(self, number: int, grace: timedelta = timedelta(0)) -> MadeWorkspace:
        """Make new keys of a workspace; those before are valid for the grace time."""
        keys = generate_api_keys(token_bytes)
        self.credentials.rotate(number, digests_of(keys), grace=grace, request="", now=NOW)
        return MadeWorkspace(workspace_id=number, keys=keys)

    @property
    def credentials(self) -> FakeCredentials:
        """Whose keys there are."""
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
            limits=self.waiting,
        )
        return Dependencies(
            people=people,
            person_records=FakeActivities(self.memory),
            exports=FakeExports(self.memory),
            workspaces=FakeWorkspaces(self.memory),
            credentials=self.wrap_credentials(self.credentials),
            batcher=batcher,
            clock=lambda: NOW,
            metrics=PrometheusMetrics(),
            access_log=self.served.append,
            limits=self.limits,
        )

    @contextmanager
    def serving(self) -> Iterator["ServerClient"]:
        """Serve it meanwhile; at the end what was accepted is answered first."""
        sockets = bind_sockets("127.0.0.1", 0)
        stopping = threading.Event()
        server = Server(sockets=sockets, limits=self.limits, grace_seconds=5)
        thread = threading.Thread(target=server.serve, args=(make_app(self.services()), stopping))
        thread.start()
        try:
            yield ServerClient(server=self, port=sockets[0].getsockname()[1], stopping=stopping)
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
        """A bare connection, for what no client sends; the buffer is of what it takes in."""
        connection = socket.socket()
        connection.settimeout(timeout)
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def exchange(self, *pieces: bytes, timeout: float = 60) -> bytes:
        """Send bytes on a connection of their own; everything that comes back until it is closed."""
        with self.connected(timeout=timeout) as connection:
            for piece in pieces:
                connection.sendall(piece)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def person(self, workspace: MadeWorkspace, **named: str) -> Person | None:
        """Whom a kind and a value stand for."""
        [(kind, value)] = named.items()
        reference = reference_of_kind(value, IdentifierKind(kind), Mode.EMAIL_OR_ID)
        return FakePeople(self.server.memory).find(workspace.workspace_id, reference)


def _resolved(command: Command, mode: Mode) -> Command | InvalidInput:
    try:
        return in_mode(command, mode)
    except InvalidInput as error:
        return error
