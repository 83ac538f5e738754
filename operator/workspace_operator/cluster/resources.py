"""Workspace resources as the operator writes them: status, finalizers, events (implements ``Resources``).

Whole values are replaced by JSON patches that also name the resourceVersion, so that a write on top of somebody's
edit is a conflict, and costs one PATCH.
"""

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import urllib3
from kubernetes import client

from workspace_operator.cluster.access import TIMEOUTS
from workspace_operator.errors import ClusterRefused, ClusterUnavailable, Moved, NotFound
from workspace_operator.reconcile.observed import Owner
from workspace_operator.reconcile.plan import Event
from workspace_operator.resources.workspaces import API_VERSION, GROUP, KIND, PLURAL, VERSION

logger = logging.getLogger(__name__)

JSON_PATCH = "application/json-patch+json"
REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}
"""What the server answers to who may not, or to what it does not take; asking again changes nothing."""

MESSAGE_LENGTH = 1024
"""The API server refuses longer messages in events."""


@dataclass(frozen=True, slots=True)
class ClusterResources:
    """Implements the port ``Resources``."""

    api: client.ApiClient
    cluster_id: str

    def write_status(self, namespace: str, name: str, status: Mapping[str, Any], *, resource_version: str) -> str:
        """Replace the status; returns the new resourceVersion. Raises Moved or NotFound."""
        patch = [_at_version(resource_version), {"op": "add", "path": "/status", "value": status}]
        with translated(f"{namespace}/{name}"):
            answer = self._objects.patch_namespaced_custom_object_status(
                GROUP, VERSION, namespace, PLURAL, name, patch, _content_type=JSON_PATCH, _request_timeout=TIMEOUTS
            )
        return str(answer["metadata"]["resourceVersion"])

    def write_finalizers(self, namespace: str, name: str, finalizers: Sequence[str], *, resource_version: str) -> str:
        """Replace the finalizers; returns the new resourceVersion. Raises Moved or NotFound."""
        value = {"op": "add", "path": "/metadata/finalizers", "value": list(finalizers)}
        patch = [_at_version(resource_version), value]
        with translated(f"{namespace}/{name}"):
            answer = self._objects.patch_namespaced_custom_object(
                GROUP, VERSION, namespace, PLURAL, name, patch, _content_type=JSON_PATCH, _request_timeout=TIMEOUTS
            )
        return str(answer["metadata"]["resourceVersion"])

    def emit(self, namespace: str, name: str, uid: str, event: Event) -> None:
        """Emit an event about a resource; losing one is not worth an error."""
        body = _event_body(namespace, name, uid, event)
        try:
            client.CoreV1Api(self.api).create_namespaced_event(namespace, body, _request_timeout=TIMEOUTS)
        except (client.ApiException, urllib3.exceptions.HTTPError) as error:
            logger.warning("%s/%s: the event %s could not be written: %s", namespace, name, event.reason, error)

    def get(self, namespace: str, name: str) -> Mapping[str, Any]:
        """Read a resource as it is now. Raises NotFound."""
        with translated(f"{namespace}/{name}"):
            document: Mapping[str, Any] = self._objects.get_namespaced_custom_object(
                GROUP, VERSION, namespace, PLURAL, name, _request_timeout=TIMEOUTS
            )
        return document

    def is_released(self, owner: Owner) -> bool:
        """Whether the resource that owns a workspace is gone; another cluster's we cannot know of."""
        if owner.cluster != self.cluster_id:
            return False
        try:
            self.get(owner.namespace, owner.name)
        except NotFound:
            return True
        return False

    @property
    def _objects(self) -> Any:
        return client.CustomObjectsApi(self.api)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except client.ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise NotFound(f"{what} is gone") from error
        if error.status == HTTPStatus.CONFLICT:
            raise Moved(f"{what} was edited meanwhile") from error
        if error.status in REFUSALS:
            raise ClusterRefused(f"the Kubernetes API refused {what}: {error.status} {error.reason}") from error
        raise ClusterUnavailable(f"the Kubernetes API refused {what}: {error.status} {error.reason}") from error
    except urllib3.exceptions.HTTPError as error:
        raise ClusterUnavailable(f"the Kubernetes API does not answer: {error}") from error


def _at_version(resource_version: str) -> Mapping[str, Any]:
    # Not "test", which would answer 422: an older version written here is a conflict, 409.
    return {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}


def _event_body(namespace: str, name: str, uid: str, event: Event) -> Any:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    reference = {"apiVersion": API_VERSION, "kind": KIND, "namespace": namespace, "name": name, "uid": uid}
    message = event.message if len(event.message) <= MESSAGE_LENGTH else event.message[: MESSAGE_LENGTH - 1] + "…"
    return {
        "metadata": {"name": f"{name[:200].rstrip('-.')}.{secrets.token_hex(8)}", "namespace": namespace},
        "involvedObject": reference,
        "type": "Warning" if event.warning else "Normal",
        "reason": event.reason,
        "message": message,
        "source": {"component": "workspace-operator"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
