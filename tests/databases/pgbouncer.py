"""A real PgBouncer in front of a test's PostgreSQL: Debian's package ``pgbouncer``."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from tests.network_ports import free_port
from tests.postgres import folder_for, unprivileged_account
from tests.processes import Server, last_lines

START_LIMIT_SECONDS = 20
CONNECTIONS = 3
"""Of the server, for all clients of a database."""

CONFIGURATION = """\
[databases]
* = host={host} port={port} user={user} password='{password}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {connections}
max_client_conn = 500
admin_users = {user}
"""


class NoPgBouncer(Exception):
    """The program is not installed, or did not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PgBouncer:
    """A pooler that runs."""

    address: URL
    log: Path

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of a database behind it."""
        return self.address.set(database=make_url(database).database).render_as_string(hide_password=False)

    def plain_url(self, database: str) -> str:
        """The same as psycopg takes it."""
        return self.url(database).replace("+psycopg", "")


def program() -> str:
    """Where it is: Debian has it where only root's PATH looks."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NoPgBouncer("there is no pgbouncer in PATH or /usr/sbin: apt-get install pgbouncer")
    return found


@contextmanager
def pgbouncer(server: URL, *, mode: str = "transaction") -> Iterator[PgBouncer]:
    """Run one in front of a server; it ends with the block."""
    account = unprivileged_account()
    own_port = free_port()
    with folder_for(account) as folder:
        configuration, log = folder / "pgbouncer.ini", folder / "pgbouncer.log"
        values = {"host": server.host, "port": server.port, "user": server.username, "password": server.password}
        text = CONFIGURATION.format(**values, own_port=own_port, mode=mode, connections=CONNECTIONS)
        configuration.write_text(text)
        running = Server.start([program(), configuration], log=log, account=account, folder=folder)
        try:
            found = PgBouncer(address=server.set(host="127.0.0.1", port=own_port), log=log)
            _wait_for(found, running)
            yield found
        finally:
            running.end()


def _wait_for(bouncer: PgBouncer, running: Server) -> None:
    limit = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            psycopg.connect(bouncer.plain_url("postgresql:///postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if running.exit_code() is not None or time.monotonic() > limit:
                raise NoPgBouncer(last_lines(bouncer.log)) from error
            time.sleep(0.05)
        else:
            return
