"""What a process is told from outside: flags first, then the environment, then these defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATABASE_VARIABLE = "WORKSPACE_OPERATOR_DATABASE"
DEFAULT_CLUSTER_ID = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """How the operator reaches its cluster and how often it looks. Times are seconds."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    resync: float = 600.0
    health_endpoint: str | None = None


def default_database(environment: Mapping[str, str] = os.environ) -> str:
    """The embedded database of this user, where data belongs by the XDG rules."""
    folder = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return f"sqlite:///{folder}/workspace-operator/workspaces.db"
