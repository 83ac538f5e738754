"""A workspace with messages that were sent, refused, diverted and drafted."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from tests.console.environment import ConsoleEnv
from tests.fakes.sending.deliveries import FakeDeliveries
from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import Sender, accept, deferred, ended
from workspace_operator.application.ports import TemplateContent, TemplateDraft
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.messages import MessageContent


@dataclass(kw_only=True)
class Mailroom:
    """The workspace of a console, with one person, whose id is 1."""

    console: ConsoleEnv
    workspace: WorkspaceEnv
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        self.sender = Sender(self.workspace)

    @classmethod
    def of(cls, console: ConsoleEnv) -> Self:
        workspace = WorkspaceEnv.create(console.store, Mode.ID_ONLY)
        workspace.add("1", "ann@shop.example")
        return cls(console=console, workspace=workspace)

    @property
    def path(self) -> str:
        return f"/w/{self.workspace.workspace_id}/deliveries"

    def page(self, delivery_id: str) -> str:
        """The page of a delivery."""
        return f"{self.path}/message?id={delivery_id}"

    def wait(self, **changed: Any) -> str:
        """Accept a message; its id."""
        return accept(self.workspace, **changed)

    def send(self, *, rendered: dict[str, Any] | None = None, **changed: Any) -> str:
        """Accept a message, and hand it over."""
        delivery_id = self.wait(**changed)
        self.sender.begin_all()
        self.sender.end(ended(delivery_id, rendered=rendered))
        return delivery_id

    def defer(self, **changed: Any) -> str:
        """Accept a message that the server refuses for now."""
        delivery_id = self.wait()
        self.sender.begin_all()
        self.sender.end(replace(deferred(self.workspace, delivery_id), **changed))
        return delivery_id

    def change(self, delivery_id: str, **values: Any) -> None:
        """Change a delivery as a database could have it."""
        deliveries = self.console.store.deliveries
        assert isinstance(deliveries, FakeDeliveries)
        deliveries.stored(self.workspace.workspace_id, delivery_id).update(**values)

    def template(self, name: str) -> int:
        """A template; its number."""
        content = TemplateContent(content=MessageContent(subject="Hello", body="<p>Hello</p>"))
        draft = TemplateDraft(trigger_name=name, name=name, contents={"": content})
        store, number = self.console.store, self.workspace.workspace_id
        [(template, _)] = store.templates.apply(number, [draft], now=store.clock())
        return template.number


BODIES = {
    "from": "Shop <hello@shop.example>",
    "body": "<p>Hello <b>Ann</b></p><img src='https://elsewhere.example/pixel.png'><a href='https://elsewhere.example'>x</a>",
    "body_plain": "Hello Ann\n\nGoodbye",
}
