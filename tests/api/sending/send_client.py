"""A client of one workspace that sends messages and reads them back, on a store in memory over real HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import NOW, ROOT_KEY, ServerClient, ThreadedServer
from tests.fakes.sending.deliveries import FakeDeliveries
from tests.fakes.sending.templates import FakeTemplates
from workspace_operator.application.ports import NewDelivery, Template, TemplateContent, TemplateDraft
from workspace_operator.sending.deliveries import Delivery
from workspace_operator.sending.keys import Purpose
from workspace_operator.sending.messages import MessageContent
from workspace_operator.sending.tokens import Token, verify

LEAST: Mapping[str, Any] = {
    "to": "Ann <ann@shop.example>",
    "identifiers": {"id": "ann"},
    "subject": "Hello",
    "body": "<p>Hello</p>",
    "from": "Shop <hello@shop.example>",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendClient:
    """A client of one workspace."""

    server: ServerClient
    workspace: MadeWorkspace
    client: httpx.Client
    deliveries: FakeDeliveries = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deliveries", FakeDeliveries(self.server.server.memory))

    @property
    def number(self) -> int:
        return self.workspace.workspace_id

    @property
    def templates(self) -> FakeTemplates:
        return FakeTemplates(self.server.server.memory)

    def post(self, *, headers: Mapping[str, str] | None = None, **fields: Any) -> httpx.Response:
        """Send a message; None leaves a field out."""
        body = {name: value for name, value in {**LEAST, **fields}.items() if value is not None}
        return self.client.post("/v1/send/email", json=body, headers=headers)

    def send(self, *, headers: Mapping[str, str] | None = None, **fields: Any) -> str:
        """Send a message that must be accepted; its id on the wire."""
        response = self.post(headers=headers, **fields)
        assert response.status_code == 200, response.text
        return str(response.json()["delivery_id"])

    def refused(self, **fields: Any) -> str:
        """Send a message that must be refused; the reason."""
        response = self.post(**fields)
        assert response.status_code == 400, response.text
        assert not self.accepted()
        return str(response.json()["meta"]["error"])

    def accepted(self) -> list[NewDelivery]:
        """All accepted messages, in order."""
        stored = self.server.server.memory.state(self.number).sending.deliveries
        return [stored[delivery_id].message for delivery_id in sorted(stored)]

    def sent(self, **fields: Any) -> NewDelivery:
        """Send a message; what the store was given."""
        self.send(**fields)
        return self.accepted()[-1]

    def stored_id(self, wire_id: str) -> str:
        token = verify(wire_id, Purpose.DELIVERY, ROOT_KEY)
        assert token is not None
        return token.delivery_id

    def delivery(self, wire_id: str) -> Delivery:
        """A delivery as it is stored."""
        return self.deliveries.stored(self.number, self.stored_id(wire_id)).delivery

    def token(self, wire_id: str, *, is_test: bool = False) -> Token:
        """The content of links in a message."""
        return Token(workspace_id=self.number, delivery_id=self.stored_id(wire_id), is_test=is_test)

    def read(self, path: str, **query: str | int) -> Any:
        """The document at a path, which must exist."""
        response = self.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def put_template(self, name: str = "Receipt", **values: Any) -> Template:
        """A template with content in the default language and in German."""
        contents = {
            "": TemplateContent(content=content("Receipt"), cc="office@shop.example"),
            "de": TemplateContent(content=content("Beleg")),
        }
        draft = TemplateDraft(trigger_name=name, name=name, **{"contents": contents, **values})
        [(template, _)] = self.templates.apply(self.number, [draft], now=NOW)
        return template

    @contextmanager
    def beside(self, name: str = "other") -> Iterator["SendClient"]:
        """A client of another workspace, which has no people."""
        workspace = self.server.server.open(name=name)
        with self.server.client(workspace.app) as client:
            yield SendClient(server=self.server, workspace=workspace, client=client)


def content(subject: str) -> MessageContent:
    return MessageContent(subject=subject, sender="Shop <hello@shop.example>", body=f"<p>{subject}</p>")


@contextmanager
def send_client(server: ThreadedServer | None = None) -> Iterator[SendClient]:
    """Serve a workspace with one person, ann."""
    server = server or ThreadedServer()
    workspace = server.open()
    with server.serving() as running, running.client(workspace.app) as client:
        sender = SendClient(server=running, workspace=workspace, client=client)
        with running.client(workspace.track) as track:
            assert track.put("/api/v1/customers/ann", json={"email": "ann@shop.example"}).status_code == 200
        yield sender
