"""What a process is told from outside: flags first, then the environment, then these defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATABASE_VARIABLE = "WORKSPACE_OPERATOR_DATABASE"
DEFAULT_CLUSTER_ID = "local"
DEFAULT_API_HOST = "127.0.0.1"
DEFAULT_API_PORT = 8100
DEFAULT_API_ADDRESS = f"{DEFAULT_API_HOST}:{DEFAULT_API_PORT}"
API_OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """How the operator reaches its cluster and how often it looks. Times are seconds."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    resync: float = 600.0
    cluster_silent_after: float = 60.0
    health_endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class APISettings:
    """Where the people API is served, and by how many processes; plain HTTP without a certificate.

    ``public_url`` is how callers reach it; empty: not known. ``health_endpoint`` is where probes and metrics are
    served; None: nowhere.
    """

    host: str = DEFAULT_API_HOST
    port: int = DEFAULT_API_PORT
    certificate: Path | None = None
    key: Path | None = None
    processes: int = 1
    public_url: str = ""
    health_endpoint: str | None = None


def default_database(environment: Mapping[str, str] = os.environ) -> str:
    """The embedded database of this user, where data belongs by the XDG rules."""
    folder = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return f"sqlite:///{folder}/workspace-operator/workspaces.db"
