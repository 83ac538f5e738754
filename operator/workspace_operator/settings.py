"""Settings of a process: flags have precedence over the environment, and both over these defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

VARIABLE_PREFIX = "WORKSPACE_OPERATOR_"

_VARIABLES_OF_OPTIONS: Mapping[str, str] = {"--host": "LISTEN_HOST", "--port": "LISTEN_PORT"}
"""Not HOST and PORT, API_HOST and API_PORT: Kubernetes sets WORKSPACE_OPERATOR_PORT and WORKSPACE_OPERATOR_API_PORT in
the pods of a namespace that has a Service workspace-operator or workspace-operator-api."""

DEFAULT_CLUSTER_ID = "local"
DEFAULT_API_HOST = "127.0.0.1"
DEFAULT_API_PORT = 8100
DEFAULT_API_ADDRESS = f"{DEFAULT_API_HOST}:{DEFAULT_API_PORT}"
API_OFF = "off"
DEFAULT_CONSOLE_PORT = 8200
DEFAULT_CONSOLE_ADDRESS = f"{DEFAULT_API_HOST}:{DEFAULT_CONSOLE_PORT}"
DEFAULT_CONSOLE_URL = f"http://{DEFAULT_CONSOLE_ADDRESS}"


class LogFormat(StrEnum):
    """The form of log lines."""

    TEXT = "text"
    JSON = "json"


def variable_of(option: str) -> str:
    """The environment variable of an option, such as WORKSPACE_OPERATOR_ROOT_KEY_FILE of ``--root-key-file``."""
    return VARIABLE_PREFIX + _VARIABLES_OF_OPTIONS.get(option, option.lstrip("-").replace("-", "_").upper())


DATABASE_VARIABLE = variable_of("--database")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """Settings of the operator: access to the cluster, and intervals in seconds."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    resync: float = 600.0
    cluster_silent_after: float = 60.0
    first_workspace_after: float = 120.0
    health_endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class APISettings:
    """Settings of the people API; without a certificate it serves plain HTTP.

    Attributes:
        processes: number of processes that serve it.
        public_url: external base URL, empty if unknown.
        health_endpoint: URL of probes and metrics; None disables them.
        root_key_file: the installation's root key; None: beside an embedded database, or none.
    """

    host: str = DEFAULT_API_HOST
    port: int = DEFAULT_API_PORT
    certificate: Path | None = None
    key: Path | None = None
    processes: int = 1
    public_url: str = ""
    health_endpoint: str | None = None
    root_key_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OIDCSettings:
    """Settings of the sign-in with a company account.

    Attributes:
        issuer: URL of the identity provider, as it writes it.
        trusts_email: whether addresses count as verified if the provider does not say.
    """

    issuer: str
    client_id: str
    client_secret_file: Path
    trusts_email: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """Settings of the console; without a certificate it serves plain HTTP, which only this machine may use.

    Attributes:
        console_url: URL under which browsers reach it; empty: only on this machine.
        oidc: the identity provider; None: links of `workspacectl console` are the only way in.
        trusted_proxies: addresses and networks of proxies that end TLS.
        undo: how long the worker lets cleanups be undone, as pages say it.
        health_endpoint: as of the API.
    """

    host: str = DEFAULT_API_HOST
    port: int = DEFAULT_CONSOLE_PORT
    certificate: Path | None = None
    key: Path | None = None
    console_url: str = ""
    trusted_proxies: frozenset[str] = frozenset()
    oidc: OIDCSettings | None = None
    undo: timedelta = timedelta(days=30)
    health_endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings:
    """Settings of the sender.

    Attributes:
        transports_file: the transports to offer; None: the one of the environment, if there is one.
        root_key_file: as of the API.
        public_url: base URL of tracking and unsubscribe links; empty: messages have none.
        console_url: base URL of links to the console in notices; empty: they have none.
        too_late_hours: how long after it was due a message is still sent.
    """

    transports_file: Path | None = None
    root_key_file: Path | None = None
    public_url: str = ""
    console_url: str = ""
    too_late_hours: float = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """How long the worker keeps activities, content and records of messages, audit entries, and records of cleanups.

    Zero for ``undo`` keeps no records of cleanups, which cannot be undone then.
    """

    activities: timedelta = timedelta(days=30)
    message_content: timedelta = timedelta(days=30)
    deliveries: timedelta = timedelta(days=180)
    audit_entries: timedelta = timedelta(days=400)
    undo: timedelta = timedelta(days=30)


def default_database(environment: Mapping[str, str] = os.environ) -> str:
    """URL of the user's embedded database, in the data folder of the XDG base directory specification."""
    folder = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return f"sqlite:///{folder}/workspace-operator/workspaces.db"
