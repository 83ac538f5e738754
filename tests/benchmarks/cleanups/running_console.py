"""``workspacectl run console`` as a process of its own, and browsers that are signed in to it."""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.commands import PROGRAM, status_of
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.processes import Server
from tests.store.backends import Store
from workspace_operator.application.ports import Actor
from workspace_operator.application.sessions.links import SignInLinks


@dataclass(slots=True, kw_only=True)
class Visitor:
    """Somebody with a session of their own, since the requests of a session are limited."""

    client: httpx.Client
    form_token: str = ""

    def get(self, path: str) -> httpx.Response:
        answer = self.client.get(path)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer

    def read_form_token(self, path: str) -> None:
        """Read the token of the session's forms from a page."""
        [self.form_token, *_] = re.findall(r'name="form_token" value="([^"]+)"', self.get(path).text)

    def send_form(self, path: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send a form as the script does: the answer has the parts that changed."""
        headers = {"sec-fetch-site": "same-origin", "x-part": "group bar"}
        answer = self.client.post(path, data={"form_token": self.form_token, **fields}, headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer


@dataclass(slots=True, kw_only=True)
class RunningConsole:
    """The console of a database while it runs."""

    url: str
    store: Store
    server: Server

    @property
    def pid(self) -> int:
        return self.server.pid

    @contextmanager
    def visitors(self, number: int) -> Iterator[list[Visitor]]:
        """So many people, each with a session."""
        store = self.store
        links = SignInLinks(sessions=store.sessions, audit_log=store.audit_log, clock=store.clock)
        made = []
        for each in range(number):
            session = links.enter(links.create(actor=Actor.installation(f"visitor-{each}")), agent="bench")
            assert session is not None
            made.append(Visitor(client=httpx.Client(base_url=self.url, cookies={"console": session.token}, timeout=60)))
        try:
            yield made
        finally:
            for visitor in made:
                visitor.client.close()


@contextmanager
def running_console(database: str, store: Store, folder: Path) -> Iterator[RunningConsole]:
    """The command on a free port of 127.0.0.1, ready; it is ended afterwards."""
    port = free_port()
    command = (*PROGRAM, "run", "console", "--port", str(port))
    environment = {**os.environ, "WORKSPACE_OPERATOR_DATABASE": database}
    server = Server.start(command, log=folder / "console.log", environment=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: status_of(f"{url}/signin", timeout=5) == httpx.codes.OK)
        yield RunningConsole(url=url, store=store, server=server)
    finally:
        server.end(first=signal.SIGTERM, within=40)
