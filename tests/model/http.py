"""A workspace that is spoken to over HTTP: Track v1 for names whose shape decides, v2 for typed ones.

The server is a thread of this process, so that its clock can be moved; what it did is read from its store.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import singledispatchmethod
from itertools import groupby
from secrets import token_bytes
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from tests.api.servers import basic
from tests.model.asks import (
    AnySaid,
    Name,
    SaidAnonymously,
    SaidOfDevice,
    SaidOfNoDevice,
    SaidOfPerson,
    SaidOfSegment,
    SaidToGo,
    SaidToHappen,
    SaidToMerge,
)
from tests.model.drivers import Heard
from tests.model.records import Answer, Refused
from tests.model.stores import StoredPeople, journal_in
from tests.store.adapters import Store
from workspace_operator.application.calling import Calling
from workspace_operator.application.key_making import digests_of, make_keys
from workspace_operator.identity.calls import DeleteCall, SuppressCall, UnsuppressCall
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.reasons import OTHERS
from workspace_operator.identity.rules import IdentityRules
from workspace_operator.web.app import make_app
from workspace_operator.web.metrics import PrometheusMetrics
from workspace_operator.web.services import Services
from workspace_operator.web.serving import Server, listening

Request: TypeAlias = tuple[str, str, Mapping[str, Any]]
"""Method, path and body."""

VERBS = {DeleteCall: "delete", SuppressCall: "suppress", UnsuppressCall: "unsuppress"}
TAKEN = Answer(effect=Effect.RECORDED)
NOT_TAKEN = Answer(effect=None)
_IGNORED = Answer(effect=Effect.IGNORED)
_ignored = re.compile(r"(suppressed|unknown[a-z-]*)(?:; batch_index=(\d+))?").findall
_said = re.compile(r'(\w+); reason="([^"]*)"(?:; batch_index=(\d+))?').findall


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """Serve a store meanwhile; the URL."""
    services = Services(
        people=store.people,
        belongings=store.belongings,
        exports=store.exports,
        workspaces=store.workspaces,
        credentials=store.credentials,
        calling=Calling(people=store.people, clock=lambda: store.clock().timestamp()),
        clock=store.clock,
        metrics=PrometheusMetrics(),
        log=lambda _: None,
    )
    sockets, stopping = listening("127.0.0.1", 0), threading.Event()
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
        keys = make_keys(token_bytes)
        now = store.clock()
        store.credentials.rotate(self.scene.workspace_id, digests_of(keys), grace=timedelta(0), request="", now=now)
        self.client, self.headers = client, basic(keys.site_id, keys.api_key)
        self.known: set[str] = set()

    def perform(self, asks: Sequence[AnySaid], *, now: int) -> Heard:
        """Say what can be said together in one batch; everything else by itself."""
        self.store.clock.now = datetime.fromtimestamp(now, UTC)
        answers: list[Answer] = []
        made: list[str] = []
        for together, several in groupby(asks, _is_for_batches):
            for sent in [list(several)] if together else [[each] for each in several]:
                answers += self._batch(sent) if len(sent) > 1 else [self._send(sent[0])]
                made += self._newcomers()
        return Heard(answers=answers, made=made)

    def visible(self, answer: Answer) -> Answer:
        """Whether a call was taken or ignored, and which changes were refused."""
        if answer.effect in {None, Effect.REJECTED}:
            return NOT_TAKEN
        if answer.effect is Effect.IGNORED:
            return _IGNORED
        return replace(TAKEN, refused=frozenset(replace(each, value=None) for each in answer.refused))

    def _newcomers(self) -> list[str]:
        """Whoever was not there before, also if they were merged at once."""
        workspace_id = self.scene.workspace_id
        there = {each.cio_id for each in self.store.people.all(workspace_id)}
        there |= {each.secondary.cio_id for each in journal_in(self.store, workspace_id)}
        newcomers = sorted(there - self.known)
        self.known |= there
        return newcomers

    def _send(self, ask: AnySaid) -> Answer:
        method, path, body = self.request(ask)
        response = self.client.request(method, path, json=body, headers=self.headers)
        assert response.status_code in {200, 400, 404}, response.text
        assert response.status_code != httpx.codes.NOT_FOUND or "//" in path or path.endswith("/"), path
        ignored = response.headers.get("x-ignored", "")
        if response.status_code != httpx.codes.OK or "invalid" in ignored:
            return NOT_TAKEN
        return _answer(response, "")

    def _batch(self, asks: Sequence[AnySaid]) -> list[Answer]:
        body = {"batch": [operation(each) for each in asks]}
        response = self.client.post("/api/v2/batch", json=body, headers=self.headers)
        assert response.status_code in {200, 207}, response.text
        errors = {each["batch_index"] for each in response.json().get("errors", [])}
        return [NOT_TAKEN if number in errors else _answer(response, str(number)) for number in range(len(asks))]

    @singledispatchmethod
    def request(self, ask: Any) -> Request:
        """What is sent for an ask: v2 if the name says what it is, else v1."""
        if ask.name.kind is not None:
            return "POST", "/api/v2/entity", operation(ask)
        return v1(ask)

    @request.register
    def _(self, ask: SaidAnonymously) -> Request:
        return "POST", "/api/v1/events", ask.event

    @request.register
    def _(self, ask: SaidOfSegment) -> Request:
        verb, kind = "add" if ask.joins else "remove", ask.name.kind_in(self.scene.mode)
        return "POST", f"/api/v1/segments/{ask.segment}/{verb}_customers?id_type={kind}", {"ids": [ask.name.text]}

    @request.register
    def _(self, ask: SaidToMerge) -> Request:
        if ask.name.kind is not None and ask.other.kind is not None:
            return "POST", "/api/v2/entity", operation(ask)
        sides = {"primary": ask.name, "secondary": ask.other}
        mode = self.scene.mode
        body = {side: {name.kind_in(mode).value: name.text} for side, name in sides.items()}
        return "POST", "/api/v1/merge_customers", body


def v1(ask: AnySaid) -> Request:
    """A request whose path names somebody."""
    assert not isinstance(ask, SaidAnonymously)
    path = f"/api/v1/customers/{quote(ask.name.text, safe='')}"
    match ask:
        case SaidOfPerson():
            return "PUT", path, body_of(ask)
        case SaidToGo(verb=verb):
            return ("DELETE", path, {}) if verb is DeleteCall else ("POST", f"{path}/{VERBS[verb]}", {})
        case SaidToHappen():
            return "POST", f"{path}/events", ask.event
        case SaidOfDevice():
            return "PUT", f"{path}/devices", {"device": ask.device}
        case SaidOfNoDevice():
            return "DELETE", f"{path}/devices/{quote(ask.token, safe='')}", {}
    raise AssertionError(ask)


def operation(ask: AnySaid) -> Mapping[str, Any]:
    """An operation of v2."""
    match ask:
        case SaidOfPerson():
            said: Mapping[str, Any] = {"action": "identify", "attributes": body_of(ask)}
        case SaidToGo():
            said = {"action": VERBS[ask.verb]}
        case SaidToHappen():
            happened = {name: value for name, value in ask.event.items() if name not in {"type", "data"}}
            said = {"action": ask.event.get("type", "event"), **happened, "attributes": ask.event.get("data")}
        case SaidOfDevice():
            device = {name: value for name, value in ask.device.items() if name != "id"}
            said = {"action": "add_device", "device": {**device, "token": ask.device["id"]}}
        case SaidOfNoDevice():
            said = {"action": "delete_device", "device": {"token": ask.token}}
        case SaidToMerge():
            return {
                "type": "person",
                "action": "merge",
                "primary": _identifiers(ask.name),
                "secondary": _identifiers(ask.other),
            }
        case _:
            raise AssertionError(ask)
    return {"type": "person", "identifiers": _identifiers(ask.name), **said}


def body_of(ask: SaidOfPerson) -> Mapping[str, Any]:
    """What is said of a person, in the words of the wire."""
    return {**ask.body, "_update": True} if ask.update_only else ask.body


def _identifiers(name: Name) -> Mapping[str, str]:
    assert name.kind is not None
    return {name.kind.value: name.text}


def _is_for_batches(ask: AnySaid) -> bool:
    """Not who goes: somebody who comes and goes in one batch would never be seen."""
    return isinstance(ask, SaidOfPerson | SaidToHappen | SaidOfDevice | SaidOfNoDevice) and ask.name.kind is not None


def _answer(response: httpx.Response, place: str) -> Answer:
    """What the headers say of a call, by its place in the batch."""
    if any(at == place for _, at in _ignored(response.headers.get("x-ignored", ""))):
        return _IGNORED
    return replace(TAKEN, refused=_refused(response).get(place, frozenset()))


def _refused(response: httpx.Response) -> dict[str, frozenset[Refused]]:
    """What the header says, by the place in the batch."""
    said = _said(response.headers.get("x-refused-changes", ""))
    return {
        place: frozenset(
            Refused(kind=kind, value=None, is_taken=reason == OTHERS) for kind, reason, at in said if at == place
        )
        for place in {each[2] for each in said}
    }
