"""A workspace in memory that is read back over the App API, with short words for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import anyio
import httpx
import schemathesis

from tests.fakes.belongings import MemoryBelongings
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.exports import MemoryExports
from tests.fakes.memory import Memory
from tests.fakes.people import MemoryPeople
from tests.fakes.workspaces import MemoryWorkspaces
from workspace_operator.application.calling import Calling
from workspace_operator.application.key_making import Keys, digests_of, make_keys
from workspace_operator.application.ports import Export, ViolationRow
from workspace_operator.identity.calls import Ask
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile.observed import Owner, Settings
from workspace_operator.reconcile.plan import CreateWorkspace
from workspace_operator.web.app import make_app
from workspace_operator.web.metrics import PrometheusMetrics
from workspace_operator.web.openapi import document
from workspace_operator.web.services import Services

DOCUMENT = schemathesis.openapi.from_dict(document())
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
BASE_URL = "https://people.example.com:8443"


@dataclass(slots=True, kw_only=True)
class Desk:
    """Where the people of one workspace are read; several may share a memory."""

    memory: Memory
    number: int
    keys: Keys = field(init=False)
    now: datetime = NOW

    @classmethod
    def of(cls, mode: Mode = Mode.EMAIL_OR_ID, *, beside: "Desk | None" = None) -> Self:
        memory = beside.memory if beside else Memory(clock=lambda: NOW)
        workspaces = MemoryWorkspaces(memory)
        name = f"crm-{len(memory.rooms)}"
        owner = Owner(cluster="c", namespace="default", name=name, uid=name)
        wanted = CreateWorkspace(owner=owner, account="default", mode=mode, settings=Settings(display_name=name))
        workspaces.carry_out(wanted, now=NOW)
        desk = cls(memory=memory, number=workspaces.find("default", name).workspace_id)
        desk.rotate()
        return desk

    @property
    def credentials(self) -> MemoryCredentials:
        return MemoryCredentials(self.memory)

    def rotate(self, grace: timedelta = timedelta(hours=1)) -> None:
        """New keys; those before work for the grace time."""
        made = len(self.memory.room(self.number).credentials)
        self.keys = make_keys(lambda size: f"{self.number}/{made}".encode().ljust(size, b"."))
        self.credentials.rotate(self.number, digests_of(self.keys), grace=grace, request="", now=self.now)

    def asked(self, *asks: Ask) -> list[Outcome]:
        """What calls come to, one after the other; none may be invalid."""
        answers = MemoryPeople(self.memory).perform(self.number, asks, now=int(self.now.timestamp()))
        assert all(isinstance(each, Outcome) for each in answers)
        return [each for each in answers if isinstance(each, Outcome)]

    def person(self, ask: Ask) -> Person:
        """Whom a call is about, afterwards."""
        [outcome] = self.asked(ask)
        assert outcome.person is not None
        return outcome.person

    def put_export(self, *rows: ViolationRow, number: int = 1) -> Export:
        export = Export(
            workspace_id=self.number,
            number=number,
            migration_number=1,
            created_at=NOW,
            description="EmailOrID is blocked",
            total=len(rows),
        )
        room = self.memory.room(self.number)
        room.exports[number], room.violations[number] = export, list(rows)
        return export

    def get(self, path: str, *, key: str | None = None, **query: str | int) -> httpx.Response:
        return self._sent("GET", path, key=key, params=query)

    def post(self, path: str, body: object, *, key: str | None = None, **query: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._sent("POST", path, key=key, params=query, content=content)

    def read(self, path: str, **query: str | int) -> Any:
        """The document at a path, which must be there."""
        response = self._sent("GET", path, key=None, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def _sent(
        self, method: str, path: str, *, key: str | None, params: Mapping[str, Any], **content: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys.app_key if key is None else key}"}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=make_app(self._services()))
            async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers) as client:
                return await client.request(method, path, params=params or None, **content)

        response = anyio.run(send)
        _check_described(method, response)
        return response

    def _services(self) -> Services:
        people = MemoryPeople(self.memory)
        return Services(
            people=people,
            belongings=MemoryBelongings(self.memory),
            exports=MemoryExports(self.memory),
            workspaces=MemoryWorkspaces(self.memory),
            credentials=self.credentials,
            calling=Calling(people=people, clock=self.now.timestamp),
            clock=lambda: self.now,
            metrics=PrometheusMetrics(),
            log=lambda _: None,
        )


def _check_described(method: str, response: httpx.Response) -> None:
    """Every answer that a test sees is one that the document at /openapi.json describes."""
    operation = DOCUMENT.find_operation_by_path(method, response.request.url.raw_path.decode().partition("?")[0])
    assert operation is not None
    operation.validate_response(response)
