"""A client of the Track API of one workspace, with short methods for tests."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import NOW, ServerClient
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackClient:
    """A client of one workspace."""

    server: ServerClient
    workspace: MadeWorkspace
    client: httpx.Client

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request; bytes are sent as they are, other bodies as JSON."""
        content = {"content": body} if isinstance(body, bytes | None) else {"json": body}
        return self.client.request(method, path, **content)

    def accepted(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request that must succeed."""
        response = self.send(method, path, body)
        assert (response.status_code, response.content) == (200, b"{}\n"), response.text
        return response

    def command(self, method: str, path: str, body: Any = None) -> Command | InvalidInput:
        """Return the single command that the API makes from a request."""
        self.server.server.commands.clear()
        self.accepted(method, path, body)
        [command] = self.server.server.commands
        return command

    def refused(self, method: str, path: str, body: Any = None) -> str:
        """Return the single message of a request that is refused with 400, before any command."""
        self.server.server.commands.clear()
        response = self.send(method, path, body)
        assert response.status_code == 400, response.text
        assert all(isinstance(each, InvalidInput) for each in self.server.server.commands)
        [message] = response.json()["meta"]["errors"]
        return str(message)

    def put(self, ref: str, body: Any) -> httpx.Response:
        return self.accepted("PUT", f"/api/v1/customers/{ref}", body)

    def suppress(self, ref: str) -> None:
        self.accepted("POST", f"/api/v1/customers/{ref}/suppress")

    def person(self, **named: str) -> Person:
        """Return a person who must exist."""
        person = self.server.person(self.workspace, **named)
        assert person is not None
        return person

    def add_with_reserved_id(self, id_: str) -> None:
        """Add a person with an id that no command can set any more."""
        at = int(NOW.timestamp())
        person = Person(cio_id="holder", id=id_, attributes={}, inserted_at=at, created_at=at)
        people = self.server.server.memory.states[self.workspace.workspace_id].working_set
        people.insert(person)
        people.mark_clean()
