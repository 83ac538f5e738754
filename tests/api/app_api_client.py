"""A client of the App API of a workspace in memory, with short methods for tests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import anyio
import httpx
import schemathesis

from tests.api.servers import MadeWorkspace, with_new_keys
from tests.api.threaded_server import NOW, in_memory_dependencies
from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.credentials import FakeCredentials
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.workspaces import create_workspace
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Export, ViolationRow
from workspace_operator.identity.model.commands import Command, Identify, identify_from_fields
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.web.app import make_app
from workspace_operator.web.openapi import document

DOCUMENT = schemathesis.openapi.from_dict(document())
BASE_URL = "https://people.example.com:8443"


@dataclass(slots=True, kw_only=True)
class AppApiClient:
    """A client of one workspace; several can share a database."""

    memory: InMemoryDatabase
    number: int
    workspace: MadeWorkspace = field(init=False)
    now: datetime = NOW

    @classmethod
    def of(cls, mode: Mode = Mode.EMAIL_OR_ID, *, beside: "AppApiClient | None" = None) -> Self:
        memory = beside.memory if beside else InMemoryDatabase(clock=lambda: NOW)
        created = create_workspace(FakeWorkspaces(memory), f"crm-{len(memory.states)}", now=NOW, mode=mode)
        app_api = cls(memory=memory, number=created.workspace_id)
        app_api.rotate()
        return app_api

    @property
    def credentials(self) -> FakeCredentials:
        return FakeCredentials(self.memory)

    def rotate(self, grace: timedelta = timedelta(hours=1)) -> None:
        self.workspace = with_new_keys(self.credentials, self.number, now=self.now, grace=grace)

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
        """Return the document at a path, which must exist."""
        response = self._sent("GET", path, key=None, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def _sent(
        self, method: str, path: str, *, key: str | None, params: Mapping[str, Any], **content: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.workspace.keys.app_key if key is None else key}"}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=make_app(in_memory_dependencies(self.memory, lambda: self.now)))
            async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers) as client:
                return await client.request(method, path, params=params or None, **content)

        response = anyio.run(send)
        check_described(method, response)
        return response


def named(mode: Mode = Mode.EMAIL_OR_ID, **name: str) -> Reference:
    [(kind, value)] = name.items()
    return reference_of_kind(value, IdentifierKind(kind), mode)


def identify(body: dict[str, object] | None = None, *, mode: Mode = Mode.EMAIL_OR_ID, **name: str) -> Identify:
    return identify_from_fields(named(mode, **name), body or {})


def check_described(method: str, response: httpx.Response) -> None:
    """Check that the document at /openapi.json describes the response."""
    operation = DOCUMENT.find_operation_by_path(method, response.request.url.raw_path.decode().partition("?")[0])
    assert operation is not None
    operation.validate_response(response)
