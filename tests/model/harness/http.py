"""A workspace that is spoken to over HTTP: Track v1 for names whose shape decides, v2 for typed ones.

The server is a thread of this process, so that its clock can be moved; what it did is read from its store.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial, singledispatchmethod
from itertools import groupby
from secrets import token_bytes
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from tests.api.servers import basic
from tests.api.threaded_server import in_memory_sending
from tests.fakes.absent import absent_port
from tests.fakes.database import InMemoryDatabase
from tests.model.harness.commands import (
    AddDeviceCommand,
    AnonymousEventCommand,
    AnyCommand,
    DeleteDeviceCommand,
    EventCommand,
    IdentifyCommand,
    MergeCommand,
    Name,
    RemovalCommand,
    SegmentCommand,
)
from tests.model.harness.drivers import BatchResult
from tests.model.harness.snapshots import reason_of
from tests.model.harness.stores import StoredPeople, journal_in
from tests.model.reference.records import CommandOutcome, Refused
from tests.store.backends import Store
from workspace_operator.application.cleanups.decision_batches import DecideTogether
from workspace_operator.application.cleanups.recent_calls import RecentCalls
from workspace_operator.application.operator.api_keys import digests_of, generate_api_keys
from workspace_operator.application.people.command_batcher import Batcher, CommandBatcher
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.http_server.server import Server, bind_sockets
from workspace_operator.identity.model.commands import DeletePerson, Suppress, Unsuppress
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.web.app import make_app
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.observability.metrics import PrometheusMetrics

Request: TypeAlias = tuple[str, str, Mapping[str, Any]]
"""Method, path and body."""

VERBS = {DeletePerson: "delete", Suppress: "suppress", Unsuppress: "unsuppress"}
ACCEPTED = CommandOutcome(effect=Effect.RECORDED)
NOT_ACCEPTED = CommandOutcome(effect=None)
_IGNORED = CommandOutcome(effect=Effect.IGNORED)
_ignored = re.compile(r"(suppressed|unknown[a-z-]*)(?:; batch_index=(\d+))?").findall
_header_items = re.compile(r'(\w+); reason="([^"]*)"(?:; batch_index=(\d+))?').findall


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """Serve a store meanwhile; the URL."""
    cleanups = store.cleanups or absent_port()
    services = Dependencies(
        people=store.people,
        person_records=store.person_records,
        exports=store.exports,
        migrations=store.migrations,
        cleanups=cleanups,
        decisions=Batcher(
            execute=DecideTogether(cleanups=cleanups, clock=store.clock), clock=lambda: store.clock().timestamp()
        ),
        cleanup_rules=store.cleanup_rules or absent_port(),
        undo_previews=store.undo_previews or absent_port(),
        import_preparation=absent_port(),
        listings=store.listings or absent_port(),
        listed_calls=store.listed_calls or absent_port(),
        audit_log=store.audit_log,
        workspaces=store.workspaces,
        credentials=store.credentials,
        batcher=CommandBatcher(
            execute=partial(execute_commands, store.people), clock=lambda: store.clock().timestamp()
        ),
        sending=in_memory_sending(InMemoryDatabase(), store.clock),
        recent_calls=RecentCalls(listed_calls=absent_port()),
        clock=store.clock,
        metrics=PrometheusMetrics(),
        access_log=lambda _: None,
    )
    sockets, stopping = bind_sockets("127.0.0.1", 0), threading.Event()
    server = Server(sockets=sockets, limits=services.limits, grace_seconds=5)
    thread = threading.Thread(target=server.serve, args=(make_app(services), stopping))
    thread.start()
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        stopping.set()
        thread.join()


class ServedPeople(StoredPeople):
    """A new workspace of a store that is served."""

    def __init__(self, store: Store, rules: IdentityRules, client: httpx.Client) -> None:
        super().__init__(store, rules)
        keys = generate_api_keys(token_bytes)
        now = store.clock()
        store.credentials.rotate(self.env.workspace_id, digests_of(keys), grace=timedelta(0), request="", now=now)
        self.client, self.headers = client, basic(keys.site_id, keys.api_key)
        self.known: set[str] = set()

    def perform(self, commands: Sequence[AnyCommand], *, now: int) -> BatchResult:
        """Say what can be said together in one batch; everything else by itself."""
        self.store.clock.now = datetime.fromtimestamp(now, UTC)
        answers: list[CommandOutcome] = []
        created: list[str] = []
        for together, several in groupby(commands, _is_for_batches):
            for sent in [list(several)] if together else [[each] for each in several]:
                answers += self._batch(sent) if len(sent) > 1 else [self._send(sent[0])]
                created += self._created_people()
        return BatchResult(answers=answers, created=created)

    def visible(self, answer: CommandOutcome) -> CommandOutcome:
        """Whether a call was taken or ignored, and which changes were refused."""
        if answer.effect in {None, Effect.REJECTED}:
            return NOT_ACCEPTED
        if answer.effect is Effect.IGNORED:
            return _IGNORED
        return replace(ACCEPTED, refused=tuple(replace(each, value=None) for each in answer.refused))

    def _created_people(self) -> list[str]:
        """Whoever was not there before, also if they were merged at once."""
        workspace_id = self.env.workspace_id
        there = {each.cio_id for each in self.store.people.all(workspace_id)}
        there |= {each.secondary.cio_id for each in journal_in(self.store, workspace_id)}
        newcomers = sorted(there - self.known)
        self.known |= there
        return newcomers

    def _send(self, command: AnyCommand) -> CommandOutcome:
        method, path, body = self.request(command)
        response = self.client.request(method, path, json=body, headers=self.headers)
        assert response.status_code in {200, 400, 404}, response.text
        assert response.status_code != httpx.codes.NOT_FOUND or "//" in path or path.endswith("/"), path
        ignored = response.headers.get("x-ignored", "")
        if response.status_code != httpx.codes.OK or "invalid" in ignored:
            return NOT_ACCEPTED
        return _answer(response, "")

    def _batch(self, commands: Sequence[AnyCommand]) -> list[CommandOutcome]:
        body = {"batch": [operation(each) for each in commands]}
        response = self.client.post("/api/v2/batch", json=body, headers=self.headers)
        assert response.status_code in {200, 207}, response.text
        errors = {each["batch_index"] for each in response.json().get("errors", [])}
        return [NOT_ACCEPTED if number in errors else _answer(response, str(number)) for number in range(len(commands))]

    @singledispatchmethod
    def request(self, command: Any) -> Request:
        """What is sent for an ask: v2 if the name says what it is, else v1."""
        if command.name.kind is not None:
            return "POST", "/api/v2/entity", operation(command)
        return v1(command)

    @request.register
    def _(self, command: AnonymousEventCommand) -> Request:
        return "POST", "/api/v1/events", command.event

    @request.register
    def _(self, command: SegmentCommand) -> Request:
        verb, kind = "add" if command.member else "remove", command.name.kind_in(self.env.mode)
        return (
            "POST",
            f"/api/v1/segments/{command.segment}/{verb}_customers?id_type={kind}",
            {"ids": [command.name.text]},
        )

    @request.register
    def _(self, command: MergeCommand) -> Request:
        if command.name.kind is not None and command.other.kind is not None:
            return "POST", "/api/v2/entity", operation(command)
        sides = {"primary": command.name, "secondary": command.other}
        mode = self.env.mode
        body = {side: {name.kind_in(mode).value: name.text} for side, name in sides.items()}
        return "POST", "/api/v1/merge_customers", body


def v1(command: AnyCommand) -> Request:
    """A request whose path names somebody."""
    assert not isinstance(command, AnonymousEventCommand)
    path = f"/api/v1/customers/{quote(command.name.text, safe='')}"
    match command:
        case IdentifyCommand():
            return "PUT", path, body_of(command)
        case RemovalCommand(verb=verb):
            return ("DELETE", path, {}) if verb is DeletePerson else ("POST", f"{path}/{VERBS[verb]}", {})
        case EventCommand():
            return "POST", f"{path}/events", command.event
        case AddDeviceCommand():
            return "PUT", f"{path}/devices", {"device": command.device}
        case DeleteDeviceCommand():
            return "DELETE", f"{path}/devices/{quote(command.token, safe='')}", {}
    raise AssertionError(command)


def operation(command: AnyCommand) -> Mapping[str, Any]:
    """An operation of v2."""
    match command:
        case IdentifyCommand():
            said: Mapping[str, Any] = {"action": "identify", "attributes": body_of(command)}
        case RemovalCommand():
            said = {"action": VERBS[command.verb]}
        case EventCommand():
            happened = {name: value for name, value in command.event.items() if name not in {"type", "data"}}
            said = {"action": command.event.get("type", "event"), **happened, "attributes": command.event.get("data")}
        case AddDeviceCommand():
            device = {name: value for name, value in command.device.items() if name != "id"}
            said = {"action": "add_device", "device": {**device, "token": command.device["id"]}}
        case DeleteDeviceCommand():
            said = {"action": "delete_device", "device": {"token": command.token}}
        case MergeCommand():
            return {
                "type": "person",
                "action": "merge",
                "primary": _identifiers(command.name),
                "secondary": _identifiers(command.other),
            }
        case _:
            raise AssertionError(command)
    return {"type": "person", "identifiers": _identifiers(command.name), **said}


def body_of(command: IdentifyCommand) -> Mapping[str, Any]:
    """What is said of a person, in the words of the wire."""
    return {**command.body, "_update": True} if command.update_only else command.body


def _identifiers(name: Name) -> Mapping[str, str]:
    assert name.kind is not None
    return {name.kind.value: name.text}


def _is_for_batches(command: AnyCommand) -> bool:
    """Not who goes: somebody who comes and goes in one batch would never be seen."""
    return (
        isinstance(command, IdentifyCommand | EventCommand | AddDeviceCommand | DeleteDeviceCommand)
        and command.name.kind is not None
    )


def _answer(response: httpx.Response, place: str) -> CommandOutcome:
    """What the headers say of a call, by its place in the batch."""
    if any(at == place for _, at in _ignored(response.headers.get("x-ignored", ""))):
        return _IGNORED
    return replace(ACCEPTED, refused=_refused(response).get(place, ()))


def _refused(response: httpx.Response) -> dict[str, tuple[Refused, ...]]:
    """What the header says, by the place in the batch."""
    said = _header_items(response.headers.get("x-refused-changes", ""))
    return {
        place: tuple(Refused(kind=kind, value=None, reason=reason_of(text)) for kind, text, at in said if at == place)
        for place in {each[2] for each in said}
    }
