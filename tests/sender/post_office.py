"""A sender with its real parts: a store, an SMTP server on this machine, connections, and composed messages."""

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.mail.sink import Sink
from tests.workspaces import create_workspace
from workspace_operator import bootstrap
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Accepted, NewDelivery, Renderer
from workspace_operator.application.sending.handover.metrics import SenderMetrics
from workspace_operator.application.sending.handover.sender import Sender
from workspace_operator.application.sending.handover.setup import SenderSetup
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.identity.model.commands import DeletePerson, identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import EMAIL
from workspace_operator.mail.pools import SMTPTransportPool
from workspace_operator.reconcile.model.actions import UpdateSettings
from workspace_operator.reconcile.model.observed import WorkspaceQuery
from workspace_operator.reconcile.model.sending import ObservedSending
from workspace_operator.sending.addresses import parse_mailbox
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.messages import RenderedMessage, RenderFailure, RenderJob
from workspace_operator.sending.requests.overrides import Overrides, StoredRequest
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import ANY, Security, Transport, TransportOffer
from workspace_operator.workspaces.model import Workspace

ROOT_KEY = RootKey(b"k" * 32)
QA = "qa@shop.example"


def local_transport(port: int, **changes: Any) -> Transport:
    """A transport to an SMTP server on this machine, for every namespace and sender, without a rate."""
    offer = TransportOffer(name="default", sender_domains=frozenset({ANY}), namespaces=frozenset({ANY}))
    values: dict[str, Any] = {"security": Security.NONE, "per_second": 1e6, "per_workspace_per_second": 1e6} | changes
    return Transport(offer=offer, host="127.0.0.1", port=port, **values)


def request(sender: str, *, data: Mapping[str, Any] | None = None, **parts: Any) -> Mapping[str, Any]:
    """The stored form of a request without a template."""
    overrides = Overrides(**{"subject": "Receipt", "sender": sender, **parts})
    return StoredRequest(overrides=overrides, message_data=data or {}).document()


class PlainRenderer:
    """Renders without Liquid, in this process."""

    def render(self, jobs: Sequence[RenderJob]) -> Sequence[RenderedMessage | RenderFailure]:
        """Each message with its text as it is."""
        return [
            RenderedMessage(
                subject=job.content.subject,
                sender=parse_mailbox(job.content.sender, field="from") if job.content.sender else None,
                reply_to=(),
                headers=job.content.headers,
                entity=b"Content-Type: text/plain; charset=utf-8\r\n\r\nThanks\r\n",
                html=None,
                plain=job.content.body_plain,
            )
            for job in jobs
        ]


@dataclass(slots=True, kw_only=True)
class PostOffice:
    """A store with one workspace, ``shop``, and what a sender needs."""

    store: Repositories
    workspace: Workspace
    sink: Sink
    pool: SMTPTransportPool
    renderer: Renderer = field(default_factory=PlainRenderer)
    root_key: RootKey = ROOT_KEY
    stopping: threading.Event = field(default_factory=threading.Event)
    is_writable: bool = True

    def sender(self, name: str = "sender-1", **changes: Any) -> Sender:
        """A sender of this store, registered."""
        metrics = SenderMetrics(queue=self.store.sending_queue, transports=self.pool, clock=self.store.clock)
        values: dict[str, Any] = {
            "queue": self.store.sending_queue,
            "renderer": self.renderer,
            "transports": self.pool,
            "root_key": self.root_key,
            "public_url": "",
            "clock": self.store.clock,
            "stopping": self.stopping.is_set,
            "observer": metrics,
        }
        sender = Sender(
            setup=SenderSetup(**(values | changes)),
            worker=name,
            stopping=self.stopping,
            is_writable=lambda: self.is_writable,
        )
        sender.register()
        return sender

    @contextmanager
    def running(self, **changes: Any) -> Iterator[Sender]:
        """A sender that runs in a thread."""
        sender = self.sender(**changes)
        thread = threading.Thread(target=sender.run, name="sender")
        thread.start()
        try:
            yield sender
        finally:
            self.stopping.set()
            thread.join(40)
            self.stopping.clear()

    def accept(self, count: int = 1, *, workspace: Workspace | None = None, **changes: Any) -> list[str]:
        """Accept messages to people of their own, or to ``to``; returns delivery ids."""
        number = (workspace or self.workspace).workspace_id
        messages = [self.message(**changes) for _ in range(count)]
        results = self.store.deliveries.accept(number, messages, now=self.store.clock())
        assert all(isinstance(result, Accepted) for result in results), results
        return [result.delivery_id for result in results if isinstance(result, Accepted)]

    def message(self, *, to: str = "ann@example.com", **changes: Any) -> NewDelivery:
        """A receipt to a person who exists."""
        values: dict[str, Any] = {
            "reference": reference_of_kind("ann@example.com", EMAIL),
            "template": None,
            "content_version": None,
            "language": "",
            "send_at": self.store.clock(),
            "is_draft": False,
            "to": to,
            "cc": "",
            "bcc": "",
            "fake_bcc": False,
            "subject": "Receipt",
            "tracked": True,
            "open_tracking": True,
            "link_tracking": True,
            "send_to_unsubscribed": True,
            "keep_content": False,
            "request": request("Shop <hello@shop.example>", body_plain="Thanks"),
            "request_digest": secrets.token_hex(16),
        }
        return NewDelivery(**(values | changes))

    def set_mode(self, mode: SendMode, **settings: Any) -> Workspace:
        """Put a send mode in force, as the reconcile of an edited resource does."""
        found = self.store.workspaces.get(self.workspace.workspace_id)
        test_address = QA if mode is SendMode.TEST else None
        changed = replace(found.settings, send_mode=mode, test_address=test_address, **settings)
        action = UpdateSettings(workspace_id=found.workspace_id, row_version=found.row_version, settings=changed)
        self.store.workspaces.apply(action, now=self.store.clock())
        return self.store.workspaces.get(found.workspace_id)

    def delete_person(self) -> None:
        """Delete the person of all messages."""
        command = DeletePerson(reference=reference_of_kind("ann@example.com", EMAIL))
        now = int(self.store.clock().timestamp())
        execute_commands(self.store.people, self.workspace.workspace_id, [command], now=now)

    def observe(self) -> ObservedSending:
        """What a reconcile sees of the sending of the workspace."""
        query = WorkspaceQuery(owner=self.workspace.owner, now=self.store.clock())
        sending = self.store.workspaces.observe(query).sending
        assert sending is not None
        return sending

    def another_workspace(self, name: str) -> Workspace:
        """One more workspace with the same person."""
        return _workspace(self.store, name)


@contextmanager
def open_post_office(url: str, **transport: Any) -> Iterator[PostOffice]:
    """A post office on a database, with an SMTP server that takes everything."""
    with Sink() as sink, bootstrap.open_store_lazily(url) as store:
        workspace = _workspace(store, "shop")
        pool = SMTPTransportPool((local_transport(sink.port, **transport),))
        try:
            yield PostOffice(store=store, workspace=workspace, sink=sink, pool=pool)
        finally:
            pool.close()


def _workspace(store: Repositories, name: str) -> Workspace:
    workspace = create_workspace(store.workspaces, name, now=store.clock())
    identify(store, workspace.workspace_id, "ann@example.com")
    return workspace


def identify(store: Repositories, workspace_id: int, *emails: str) -> None:
    """Make people with addresses."""
    commands = [identify_from_fields(reference_of_kind(email, EMAIL), {}) for email in emails]
    execute_commands(store.people, workspace_id, commands, now=int(store.clock().timestamp()))
