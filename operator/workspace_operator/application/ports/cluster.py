"""The cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from workspace_operator.reconcile.model.actions import Event
from workspace_operator.reconcile.model.secrets import Secret
from workspace_operator.workspaces.model import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a cluster; ``authorization`` is the whole value of that header."""

    server: str
    ca_file: str | None = None
    insecure: bool = False
    authorization: str | None = field(default=None, repr=False)
    certificate_file: str | None = None
    key_file: str | None = None


class Secrets(Protocol):
    """The Secrets that hold credentials. Every method may raise ClusterForbidden."""

    def read(self, namespace: str, name: str) -> Secret | None:
        """Read a Secret; None if there is none."""
        ...

    def write(self, namespace: str, name: str, secret: Secret, *, dry_run: bool = False) -> Secret:
        """Make a Secret, or put this over the version that it names; returns it with its new version.

        Labels and values that it does not name stay; a trial finds out whether the cluster would take it. Raises
        StaleRevision if another version is there by now.
        """
        ...

    def remove(self, namespace: str, name: str, *, version: str) -> None:
        """Remove a Secret; one that is gone already is no error. Raises StaleRevision."""
        ...


class Resources(Protocol):
    """The Workspace resources of the cluster, as far as the operator writes or asks for them."""

    def write_status(self, namespace: str, name: str, status: Mapping[str, Any], *, resource_version: str) -> str:
        """Replace the status; returns the new resourceVersion. Raises StaleRevision or NotFound."""
        ...

    def write_finalizers(self, namespace: str, name: str, finalizers: Sequence[str], *, resource_version: str) -> str:
        """Replace the finalizers; returns the new resourceVersion. Raises StaleRevision or NotFound."""
        ...

    def emit(self, namespace: str, name: str, uid: str, event: Event) -> None:
        """Emit an event about a resource; losing one is not worth an error."""
        ...

    def owner_is_gone(self, owner: Owner) -> bool:
        """Whether the resource that owns a workspace is gone."""
        ...
