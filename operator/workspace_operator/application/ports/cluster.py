"""Ports of the Kubernetes cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from workspace_operator.reconcile.model.actions import Event
from workspace_operator.reconcile.model.secrets import Secret
from workspace_operator.workspaces.model import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a cluster; ``authorization`` is the complete value of the Authorization header."""

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
        """Create a Secret, or update the version that it names; returns it with its new version.

        Labels and values that ``secret`` does not name stay. A dry run only checks whether the cluster accepts it.
        Raises StaleRevision if the Secret has another version.
        """
        ...

    def remove(self, namespace: str, name: str, *, version: str) -> None:
        """Delete a Secret; a missing Secret is not an error. Raises StaleRevision."""
        ...


class ResourceWriter(Protocol):
    """The resources of one kind, as far as the operator writes to them."""

    def write_status(self, namespace: str, name: str, status: Mapping[str, Any], *, resource_version: str) -> str:
        """Replace the status; returns the new resourceVersion. Raises StaleRevision or NotFound."""
        ...

    def write_finalizers(self, namespace: str, name: str, finalizers: Sequence[str], *, resource_version: str) -> str:
        """Replace the finalizers; returns the new resourceVersion. Raises StaleRevision or NotFound."""
        ...

    def emit(self, namespace: str, name: str, uid: str, event: Event) -> None:
        """Emit an event about a resource. A lost event is not an error."""
        ...


class Resources(ResourceWriter, Protocol):
    """The Workspace resources of the cluster, as far as the operator reads or writes them."""

    def owner_is_gone(self, owner: Owner) -> bool:
        """Whether the resource that owns a workspace no longer exists."""
        ...


class FirstWorkspaces(Protocol):
    """The Workspace resources of the cluster, as far as the first one of an account is concerned."""

    def names_account(self, namespace: str, account: str) -> bool:
        """Whether a Workspace resource of the namespace names the account, valid or not."""
        ...

    def create(self, namespace: str, manifest: Mapping[str, Any]) -> None:
        """Create a resource. Raises StaleRevision if there is one of that name, or ClusterForbidden."""
        ...
