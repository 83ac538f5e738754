"""The API over real HTTP in a thread of the test, on a store in memory; with short words for what callers do."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Any, cast

import httpx

from tests.api.servers import MadeWorkspace
from tests.fakes.belongings import MemoryBelongings
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.exports import MemoryExports
from tests.fakes.memory import Memory
from tests.fakes.people import MemoryPeople
from tests.fakes.workspaces import MemoryWorkspaces
from workspace_operator.application.calling import Calling, CallingLimits
from workspace_operator.application.key_making import digests_of, make_keys
from workspace_operator.application.ports import Answer, Credentials, People
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import Ask, Call
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import Kind, Mode
from workspace_operator.reconcile.observed import Owner, Settings
from workspace_operator.reconcile.plan import CreateWorkspace
from workspace_operator.web.app import make_app
from workspace_operator.web.exchanges import Served
from workspace_operator.web.metrics import PrometheusMetrics
from workspace_operator.web.services import Limits, Services
from workspace_operator.web.serving import Server, listening

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Shop:
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

    memory: Memory = field(default_factory=lambda: Memory(clock=lambda: NOW))
    limits: Limits = field(default_factory=Limits)
    waiting: CallingLimits = field(default_factory=CallingLimits)
    between: Callable[[People], People] = lambda people: people
    before_credentials: Callable[[Credentials], Credentials] = lambda credentials: credentials
    served: list[Served] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)
    heard: "list[Call | InvalidInput]" = field(default_factory=list)
    reached: list[int] = field(default_factory=list)

    def open(self, mode: Mode = Mode.EMAIL_OR_ID, name: str = "shop") -> MadeWorkspace:
        """Make a workspace with keys."""
        workspaces = MemoryWorkspaces(self.memory)
        owner = Owner(cluster="c", namespace="default", name=name, uid=name)
        wanted = CreateWorkspace(owner=owner, account="default", mode=mode, settings=Settings(display_name=name))
        workspaces.carry_out(wanted, now=NOW)
        number = workspaces.find("default", name).workspace_id
        return self.rotate(number)

    def rotate(self, number: int, grace: timedelta = timedelta(0)) -> MadeWorkspace:
        """Make new keys of a workspace; those before are valid for the grace time."""
        keys = make_keys(token_bytes)
        self.credentials.rotate(number, digests_of(keys), grace=grace, request="", now=NOW)
        return MadeWorkspace(workspace_id=number, keys=keys)

    @property
    def credentials(self) -> MemoryCredentials:
        """Whose keys there are."""
        return MemoryCredentials(self.memory)

    def services(self) -> Services:
        people = self.between(cast("People", Heard(MemoryPeople(self.memory), self.heard, self.reached)))
        calling = Calling(
            people=people,
            clock=NOW.timestamp,
            watch=lambda calls, _waiting: self.transactions.append(calls),
            limits=self.waiting,
        )
        return Services(
            people=people,
            belongings=MemoryBelongings(self.memory),
            exports=MemoryExports(self.memory),
            workspaces=MemoryWorkspaces(self.memory),
            credentials=self.before_credentials(self.credentials),
            calling=calling,
            clock=lambda: NOW,
            metrics=PrometheusMetrics(),
            log=self.served.append,
            limits=self.limits,
        )

    @contextmanager
    def serving(self) -> Iterator["Counter"]:
        """Serve it meanwhile; at the end what was accepted is answered first."""
        sockets = listening("127.0.0.1", 0)
        stopping = threading.Event()
        server = Server(sockets=sockets, limits=self.limits, grace_seconds=5)
        thread = threading.Thread(target=server.serve, args=(make_app(self.services()), stopping))
        thread.start()
        try:
            yield Counter(shop=self, port=sockets[0].getsockname()[1], stopping=stopping)
        finally:
            stopping.set()
            thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A server that runs."""

    shop: Shop
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
        reference = reference_by_kind(value, Kind(kind), Mode.EMAIL_OR_ID)
        return MemoryPeople(self.shop.memory).find(workspace.workspace_id, reference)


@dataclass(frozen=True, slots=True)
class Heard:
    """People that keep the calls which the API made of requests, and carry them out."""

    people: People
    calls: list[Call | InvalidInput]
    reached: list[int]

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:
        mode = self.people.rules(workspace_id).mode
        self.reached.append(workspace_id)
        self.calls.extend(_resolved(ask, mode) for ask in asks)
        return self.people.perform(workspace_id, asks, now=now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.people, name)


def _resolved(ask: Ask, mode: Mode) -> Call | InvalidInput:
    try:
        return ask(mode) if callable(ask) else ask
    except InvalidInput as error:
        return error
