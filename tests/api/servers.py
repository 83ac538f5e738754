"""``workspacectl run api`` as a process of its own, and workspaces in its database."""

import os
import signal
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any

import httpx

from tests.commands import PROGRAM, status_of
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.processes import Server, last_lines
from tests.workspaces import create_workspace
from workspace_operator import bootstrap
from workspace_operator.application.operator.api_keys import ApiKeys, digests_of, generate_api_keys
from workspace_operator.application.ports import Credentials
from workspace_operator.identity.values.rules import Mode

RUN = (*PROGRAM, "run", "api")
CERTIFICATES = Path(__file__).parent / "certificates"
CERTIFICATE, KEY = CERTIFICATES / "localhost.pem", CERTIFICATES / "localhost.key"
"""Of localhost and 127.0.0.1, signed by itself; it vouches for nothing but these tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeWorkspace:
    """A workspace in a database, with the keys of its clients."""

    workspace_id: int
    keys: ApiKeys

    @property
    def track(self) -> dict[str, str]:
        """The header of clients of the Track API."""
        return basic(self.keys.site_id, self.keys.api_key)

    @property
    def app(self) -> dict[str, str]:
        """The header of clients of the App API."""
        return {"authorization": f"Bearer {self.keys.app_key}"}


@dataclass(slots=True, kw_only=True)
class RunningAPI:
    """The command while it runs; may be stopped and killed.

    Attributes:
        url: without a slash at the end.
        health: where probes and metrics are, likewise.
        log: its standard output and standard error, with the access log.
    """

    url: str
    health: str
    port: int
    log: Path
    server: Server
    is_tls: bool = False
    ended: int | None = field(default=None)

    @property
    def pid(self) -> int:
        """The process that was started: with several, the one that looks after them."""
        return self.server.pid

    def client(self, headers: Mapping[str, str] | None = None, **options: object) -> httpx.Client:
        """A client of it that trusts its certificate."""
        verify = ssl.create_default_context(cafile=CERTIFICATE) if self.is_tls else False
        return httpx.Client(base_url=self.url, headers=headers, verify=verify, **{"timeout": 60} | options)  # type: ignore[arg-type]

    def is_ready(self) -> bool:
        """Whether it serves, and its store answers."""
        return status_of(f"{self.health}/readyz", timeout=5) == httpx.codes.OK

    def metrics(self) -> bytes:
        """Its metrics in Prometheus' text format."""
        return httpx.get(f"{self.health}/metrics", timeout=60).content

    def stop(self, *, within: float = 40) -> int:
        """Stop it gracefully; return its exit code."""
        if self.ended is None:
            self.ended = self.server.end(first=signal.SIGTERM, within=within)
        return self.ended


@contextmanager
def running_api(
    database: str, folder: Path, *, tls: bool = False, processes: int = 1, options: Sequence[str] = ()
) -> Iterator[RunningAPI]:
    """``workspacectl run api`` on a free port of 127.0.0.1, ready; it is ended afterwards.

    Args:
        database: its URL.
        folder: where the log goes.
        tls: serve with CERTIFICATE.
        processes: how many share the port.
        options: further flags.
    """
    port, log = free_port(), folder / "api.log"
    health = f"http://127.0.0.1:{free_port()}"
    flags = [
        "--health-endpoint",
        f"{health}/healthz",
        *(("--tls-cert", CERTIFICATE, "--tls-key", KEY) if tls else ()),
        *options,
    ]
    command = (*RUN, "--port", str(port), "--processes", str(processes), *flags)
    environment = {**os.environ, "WORKSPACE_OPERATOR_DATABASE": database}
    server = Server.start(command, log=log, environment=environment)
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    api = RunningAPI(url=url, health=health, port=port, log=log, server=server, is_tls=tls)
    try:
        wait_until(lambda: api.is_ready() or server.exit_code() is not None, what=lambda: last_lines(log))
        assert server.exit_code() is None, f"the API ended while starting: {last_lines(log)}"
        yield api
    finally:
        api.stop()


def make_workspace(
    database: str, name: str = "shop", *, mode: Mode = Mode.EMAIL_OR_ID, **settings: Any
) -> MadeWorkspace:
    """Create a workspace default/NAME with credentials in a database."""
    now = bootstrap.utc_now()
    with bootstrap.open_store(database) as store:
        created = create_workspace(store.workspaces, name, now=now, mode=mode, **settings)
        return with_new_keys(store.credentials, created.workspace_id, now=now)


def with_new_keys(
    credentials: Credentials, workspace_id: int, *, now: datetime, grace: timedelta = timedelta(0)
) -> MadeWorkspace:
    """Rotate the keys of a workspace; the former keys stay valid for the grace time."""
    keys = generate_api_keys(token_bytes)
    credentials.rotate(workspace_id, digests_of(keys), grace=grace, request="", now=now)
    return MadeWorkspace(workspace_id=workspace_id, keys=keys)


def basic(site_id: str, api_key: str) -> dict[str, str]:
    """The header of Basic credentials."""
    return {"authorization": f"Basic {b64encode(f'{site_id}:{api_key}'.encode()).decode()}"}
