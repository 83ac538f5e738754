"""Reads and writes resources of one kind: status, finalizers, events (``Resources``, ``FirstWorkspaces``).

JSON patches replace complete values and set the resourceVersion, so that a write needs one PATCH, and a write after a
concurrent edit is a conflict.
"""

import logging
import platform
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from kubernetes import client

from workspace_operator.cluster.api_client import JSON_PATCH, METADATA, request
from workspace_operator.errors import ClusterForbidden, ClusterUnavailable, NotFound, StaleRevision
from workspace_operator.reconcile.model.actions import Event
from workspace_operator.resources.schema import WORKSPACE, CustomResource
from workspace_operator.resources.workspaces import API_VERSION, MANAGER, account_name_of
from workspace_operator.workspaces.model import Owner

logger = logging.getLogger(__name__)

PAGE_SIZE = 500
"""Number of resources per page of a list."""

MESSAGE_LENGTH = 1024
"""Maximum length of the message of an event."""

INSTANCE_LENGTH = 128
"""Maximum length of the reporting instance of an event."""


@dataclass(frozen=True, slots=True)
class ClusterResources:
    """Implements the ports ``Resources`` and ``FirstWorkspaces``, by default for Workspaces."""

    api: client.ApiClient
    cluster_id: str
    kind: CustomResource = WORKSPACE

    def write_status(self, namespace: str, name: str, status: Mapping[str, Any], *, resource_version: str) -> str:
        """Replace the status; returns the new resourceVersion. Raises StaleRevision or NotFound."""
        return self._patch(f"{self._path(namespace, name)}/status", "/status", status, resource_version)

    def write_finalizers(self, namespace: str, name: str, finalizers: Sequence[str], *, resource_version: str) -> str:
        """Replace the finalizers; returns the new resourceVersion. Raises StaleRevision or NotFound."""
        return self._patch(self._path(namespace, name), "/metadata/finalizers", list(finalizers), resource_version)

    def emit(self, namespace: str, name: str, uid: str, event: Event) -> None:
        """Emit an event about a resource. A lost event is logged, and is not an error."""
        body = _event_body(self.kind.kind, namespace, name, uid, event)
        try:
            request(self.api, "POST", f"/api/v1/namespaces/{namespace}/events", body, accept=METADATA)
        except (ClusterUnavailable, StaleRevision, NotFound) as error:
            logger.warning("%s/%s: the event %s could not be written: %s", namespace, name, event.reason, error)

    def get(self, namespace: str, name: str) -> Mapping[str, Any]:
        """Read a resource. Raises NotFound."""
        return request(self.api, "GET", self._path(namespace, name))

    def names(self) -> Collection[tuple[str, str]]:
        """List the namespaces and names of all resources of the cluster."""
        found = self._items(f"/apis/{API_VERSION}/{self.kind.plural}")
        return {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found}

    def names_account(self, namespace: str, account: str) -> bool:
        """Whether a Workspace resource of the namespace names the account, valid or not."""
        specs = (item.get("spec") or {} for item in self._items(self._path(namespace)))
        return any(account_name_of(spec) == account for spec in specs)

    def create(self, namespace: str, manifest: Mapping[str, Any]) -> None:
        """Create a resource. Raises StaleRevision if there is one of that name, or ClusterForbidden, which says why."""
        request(self.api, "POST", self._path(namespace), manifest, accept=METADATA, with_reason=True)

    def owner_is_gone(self, owner: Owner) -> bool:
        """Whether the resource that owns a workspace no longer exists; False if the cluster forbids to read it."""
        if owner.cluster != self.cluster_id:
            return False
        try:
            request(self.api, "GET", self._path(owner.namespace, owner.name), accept=METADATA)
        except NotFound:
            return True
        except ClusterForbidden:  # a resource that cannot be read does not count as gone
            return False
        return False

    def _items(self, path: str) -> Iterator[Mapping[str, Any]]:
        """The items of a list, page by page."""
        following = ""
        while True:
            page = request(self.api, "GET", f"{path}?limit={PAGE_SIZE}{following}")
            yield from page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return
            following = f"&continue={quote(token)}"

    def _path(self, namespace: str, name: str = "") -> str:
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/{self.kind.plural}"
        return f"{path}/{name}" if name else path

    def _patch(self, path: str, field: str, value: object, resource_version: str) -> str:
        # Not "test", which would answer 422: replacing the version makes an outdated write a conflict, 409.
        version = {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}
        patch: Sequence[Mapping[str, Any]] = [version, {"op": "add", "path": field, "value": value}]
        response = request(self.api, "PATCH", path, patch, content_type=JSON_PATCH, accept=METADATA)
        return str(response["metadata"]["resourceVersion"])


def event_name(of: str) -> str:
    """Generate a name for an event about an object.

    Later names sort after earlier ones: `kubectl describe` lists events of the same second in the order of their names.
    """
    return f"{of[:200].rstrip('-.')}.{time.time_ns():016x}{secrets.token_hex(2)}"


def _event_body(kind: str, namespace: str, name: str, uid: str, event: Event) -> Mapping[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    reference = {"apiVersion": API_VERSION, "kind": kind, "namespace": namespace, "name": name, "uid": uid}
    message = event.message if len(event.message) <= MESSAGE_LENGTH else event.message[: MESSAGE_LENGTH - 1] + "…"
    return {
        "metadata": {"name": event_name(name), "namespace": namespace},
        "involvedObject": reference,
        "type": "Warning" if event.warning else "Normal",
        "reason": event.reason,
        "message": message,
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "reportingInstance": platform.node()[:INSTANCE_LENGTH],
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
