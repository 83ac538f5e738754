"""A workspace in memory that is read back over the App API, with short words for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

import anyio
import httpx
import schemathesis

from tests.fakes.database import InMemoryDatabase
from tests.fakes.migrations.exports import FakeExports
from tests.fakes.people.activities import FakeActivities
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from workspace_operator.application.operator.api_keys import ApiKeys, digests_of, generate_api_keys
from workspace_operator.application.people.command_batcher import CommandBatcher
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Export, ViolationRow
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import CreateWorkspace
from workspace_operator.web.app import make_app
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.observability.metrics import PrometheusMetrics
from workspace_operator.web.openapi import document
from workspace_operator.workspaces.model import Owner, Settings

DOCUMENT = schemathesis.openapi.from_dict(document())
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
BASE_URL = "https://people.example.com:8443"


@dataclass(slots=True, kw_only=True)
class AppApiClient:
    """Where the people of one workspace are read; several may share a memory."""

    memory: InMemoryDatabase
    number: int
    keys: ApiKeys = field(init=False)
    now: datetime = NOW

    @classmethod
    def of(cls, mode: Mode = Mode.EMAIL_OR_ID, *, beside: "AppApiClient | None" = None) -> Self:
        memory = beside.memory if beside else InMemoryDatabase(clock=lambda: NOW)
        workspaces = FakeWorkspaces(memory)
        name = f"crm-{len(memory.states)}"
        owner = Owner(cluster="c", namespace="default", name=name, uid=name)
        wanted = CreateWorkspace(owner=owner, account="default", mode=mode, settings=Settings(display_name=name))
        workspaces.apply(wanted, now=NOW)
        app_api = cls(memory=memory, number=workspaces.find("default", name).workspace_id)
        app_api.rotate()
        return app_api

    @property
    def credentials(self) -> FakeCredentials:
        return FakeCredentials(self.memory)

    def rotate(self, grace: timedelta = timedelta(hours=1)) -> None:
        """New keys; those before work for the grace time."""
        made = len(self.memory.state(self.number).credentials)
        self.keys = generate_api_keys(lambda size: f"{self.number}/{made}".encode().ljust(size, b"."))
        self.credentials.rotate(self.number, digests_of(self.keys), grace=grace, request="", now=self.now)

    def perform(self, *commands: Command) -> list[CommandResult]:
        """What calls come to, one after the other; none may be invalid."""
        answers = execute_commands(FakePeople(self.memory), self.number, commands, now=int(self.now.timestamp()))
        assert all(isinstance(each, CommandResult) for each in answers)
        return [each for each in answers if isinstance(each, CommandResult)]

    def person(self, command: Command) -> Person:
        """Whom a call is about, afterwards."""
        [outcome] = self.perform(command)
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
        state = self.memory.state(self.number)
        state.exports[number], state.violations[number] = export, list(rows)
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

    def _services(self) -> Dependencies:
        people = FakePeople(self.memory)
        return Dependencies(
            people=people,
            person_records=FakeActivities(self.memory),
            exports=FakeExports(self.memory),
            workspaces=FakeWorkspaces(self.memory),
            credentials=self.credentials,
            batcher=CommandBatcher(execute=partial(execute_commands, people), clock=self.now.timestamp),
            clock=lambda: self.now,
            metrics=PrometheusMetrics(),
            access_log=lambda _: None,
        )


def _check_described(method: str, response: httpx.Response) -> None:
    """Every answer that a test sees is one that the document at /openapi.json describes."""
    operation = DOCUMENT.find_operation_by_path(method, response.request.url.raw_path.decode().partition("?")[0])
    assert operation is not None
    operation.validate_response(response)
