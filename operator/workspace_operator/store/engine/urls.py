"""Strict parser for database URLs: never shows a password, even if badly encoded.

PostgreSQL URLs are libpq's (https://www.postgresql.org/docs/current/libpq-connect.html, 34.1.1.2), and libpq parses
them. One option belongs to this program: ``prepare``. No message contains a part of a URL that could be a password.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import unquote_to_bytes

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from workspace_operator.errors import InvalidInput

MAX_PORT: Final = 65_535
DRIVER: Final = "postgresql+psycopg"

URL_HELP: Final = (
    "the database URL must be sqlite:///FILE.db or postgresql://USER:PASSWORD@HOST:PORT/NAME "
    "(by --database or WORKSPACE_OPERATOR_DATABASE)"
)
ENCODING_HELP: Final = (
    "the database URL has a character that must be percent-encoded in a user name, a password or an option: "
    "@ as %40, / as %2F, % as %25, # as %23, ? as %3F"
)

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+]*)://(.*)", re.DOTALL)
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_HOST_WITH_PORT: Final = re.compile(r"(\[[^]]*\]|[^:/]*):([0-9]*)")
_OPTION_NAME: Final = re.compile(r"[a-z_]{1,40}")

_WHOLE_NUMBERS: Final = frozenset(
    {"connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
)
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "load_balance_hosts": ("disable", "random"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
}
"""Values that libpq checks only when it connects, as if the database were unavailable."""

_URL_PARTS: Final = ("user", "password", "dbname", "sslpassword")
"""Options that SQLAlchemy's URL keeps outside its query, or not at all."""


class PrepareMode(Enum):
    """The URL option ``prepare``: whether statements are prepared in the server."""

    AUTO = "auto"
    """Prepare statements unless the connection goes through a pooler."""
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseURL:
    """A parsed database URL.

    Attributes:
        url: SQLAlchemy's URL with the password, which its ``repr`` hides; without the password of a client key.
        name: name for messages and logs, without password and options.
        options: options for libpq, by keyword; empty for SQLite.
        prepare: whether statements are prepared in the server.
    """

    url: sa.URL
    name: str
    options: Mapping[str, str]
    prepare: PrepareMode = PrepareMode.AUTO

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database; None for a server's."""
        return Path(str(self.url.database)) if self.is_sqlite else None


def parse_database_url(url: str) -> DatabaseURL:
    """Parse a database URL. Raises InvalidInput, which never repeats parts of a password."""
    match = _SCHEME.fullmatch(url.strip())  # a value from a file or a Secret often ends with a line break
    if match is None:
        _reject(URL_HELP)
    scheme, rest = match[1].lower(), match[2]
    backend = scheme.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return _postgresql(rest)
    if backend != "sqlite":
        _reject(f"{backend[:20]} is not supported: {URL_HELP}")
    return _sqlite(match[0])


def _reject(message: str) -> NoReturn:
    raise InvalidInput(message, field="database") from None


def _sqlite(url: str) -> DatabaseURL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        _reject(URL_HELP)
    if parsed.host or parsed.username:
        _reject(f"a SQLite URL has no host, so the path of the file follows three slashes: {URL_HELP}")
    if not parsed.database or parsed.database == ":memory:":
        _reject("a SQLite database must be a file: sqlite:///FOLDER/FILE.db")
    if parsed.query:
        _reject("the URL of a SQLite database takes no options: remove the ? and the text after it")
    canonical = sa.URL.create("sqlite", database=str(Path(parsed.database).expanduser()))
    return DatabaseURL(url=canonical, name=canonical.render_as_string(), options={})


def _postgresql(rest: str) -> DatabaseURL:
    _check_characters(rest)
    address, _, query = rest.partition("?")
    query_options = _query_options(query)
    prepare = _parse_prepare(query_options.pop("prepare", None))
    hosts = _parse_hosts(query_options.pop("host", []), query_options.pop("port", []))
    options = _address_options(address) | {name: values[-1] for name, values in query_options.items()} | hosts
    _check_values(options)
    sqlalchemy_url = _sqlalchemy_url(options, prepare)
    return DatabaseURL(url=sqlalchemy_url, name=_display_name(options), options=options, prepare=prepare)


def _check_characters(rest: str) -> None:
    """Refuse remains of an unescaped password, so that no later message repeats them."""
    address, _, query = rest.partition("?")
    authority, _, database = address.partition("/")
    if "@" in database or "@" in query or authority.count("@") > 1 or "#" in rest or "?" in query:
        _reject(ENCODING_HELP)
    if "%" in _ENCODED.sub("", rest):
        _reject(ENCODING_HELP)
    try:
        decoded = unquote_to_bytes(rest).decode()
    except UnicodeError:
        _reject("the percent-encoded characters in the database URL are not UTF-8")
    if "\0" in decoded:
        _reject("the database URL contains a null character")


def _query_options(query: str) -> dict[str, list[str]]:
    """The options after the ``?``, with all values; a ``+`` is a plus sign, as in libpq."""
    from psycopg.pq import Conninfo  # noqa: PLC0415 - 10 MB that a process on SQLite does not need

    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"prepare", "ssl"}
    options: dict[str, list[str]] = {}
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        name = unquote_to_bytes(name).decode()
        if not equals or name not in known:
            # After a password option, the name may be the rest of a password with an unescaped &.
            which = f" {name!r}" if _OPTION_NAME.fullmatch(name) and "password" not in query else ""
            _reject(f"the database URL has an unknown option{which}: {URL_HELP}")
        options.setdefault(name, []).append(unquote_to_bytes(value).decode())
    if options.pop("ssl", ["false"])[-1] == "true":  # the spelling of JDBC, which libpq accepts
        options.setdefault("sslmode", ["require"])
    return options


def _parse_prepare(values: Sequence[str] | None) -> PrepareMode:
    try:
        return PrepareMode(values[-1]) if values else PrepareMode.AUTO
    except ValueError:
        _reject("the option 'prepare' of the database URL must be on, off or auto")


def _parse_hosts(hosts: Sequence[str], ports: Sequence[str]) -> dict[str, str]:
    """Hosts in libpq's form, from that or from SQLAlchemy's ``host=a:1&host=b:2``."""
    parts = [part for host in hosts for part in host.split(",")]
    split = [_HOST_WITH_PORT.fullmatch(part) for part in parts]
    if any(split):
        pairs = [(hit[1].strip("[]"), hit[2]) if hit else (part, "") for part, hit in zip(parts, split, strict=True)]
        return {"host": ",".join(host for host, _ in pairs), "port": ",".join(port for _, port in pairs)}
    return {name: ",".join(values) for name, values in (("host", parts), ("port", ports)) if values}


def _address_options(address: str) -> dict[str, str]:
    """The options before the ``?``, parsed by libpq: user, password, hosts, ports, name."""
    import psycopg  # noqa: PLC0415 - see above
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - see above

    try:
        options = conninfo_to_dict(f"postgresql://{address}")
    except psycopg.ProgrammingError:  # its message repeats parts of the URL
        _reject(URL_HELP)
    return {name: str(value) for name, value in options.items() if value is not None}


def _check_values(options: Mapping[str, str]) -> None:
    """Refuse values that libpq checks late. Never repeat a port: it may be half a password."""
    ports = [port for port in options.get("port", "").split(",") if port]
    if not all(port.isascii() and port.isdigit() and 0 < int(port) <= MAX_PORT for port in ports):
        _reject(f"a port in the database URL is not a number from 1 to {MAX_PORT}: {URL_HELP}")
    hosts = options.get("host", options.get("hostaddr", "")).count(",") + 1
    listed = options.get("port", "").count(",") + 1
    if listed not in (1, hosts):
        _reject(f"the database URL names {hosts} hosts and {listed} ports: name one port, or one for each host")
    for name in _WHOLE_NUMBERS & options.keys():
        if not re.fullmatch(r"-?[0-9]{1,9}", options[name]):
            _reject(f"the option {name!r} of the database URL must be a whole number")
    for name in _CHOICES.keys() & options.keys():
        if options[name] not in _CHOICES[name]:
            _reject(f"the option {name!r} of the database URL must be one of {', '.join(_CHOICES[name])}")


def _display_name(options: Mapping[str, str]) -> str:
    hosts = options.get("host", options.get("hostaddr", "")).split(",")
    ports = options.get("port", "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    places = (_place(host, port) for host, port in zip(hosts, ports, strict=True))
    user = f"{options['user']}@" if options.get("user") else ""
    return f"postgresql://{user}{','.join(places)}/{options.get('dbname', '')}"


def _place(host: str, port: str) -> str:
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")


def _sqlalchemy_url(options: Mapping[str, str], prepare: PrepareMode) -> sa.URL:
    rest = {name: value for name, value in options.items() if name not in _URL_PARTS}
    host, port = rest.get("host"), rest.get("port", "")
    is_plain = host is not None and not set(host) & set(",/") and "," not in port
    if is_plain:
        rest = {name: value for name, value in rest.items() if name not in ("host", "port")}
    if prepare is not PrepareMode.AUTO:
        rest["prepare"] = prepare.value
    return sa.URL.create(
        DRIVER,
        username=options.get("user"),
        password=options.get("password"),
        host=host if is_plain else None,
        port=int(port) if is_plain and port else None,
        database=options.get("dbname"),
        query=rest,
    )
