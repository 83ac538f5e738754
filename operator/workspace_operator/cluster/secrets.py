"""Reads and writes the Secrets that hold credentials (implements ``Secrets``)."""

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from workspace_operator.cluster.api_client import MERGE_PATCH, request
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.reconcile.model.secrets import Secret


@dataclass(frozen=True, slots=True)
class ClusterSecrets:
    """Implements the port ``Secrets``."""

    api: client.ApiClient

    def read(self, namespace: str, name: str) -> Secret | None:
        """Read a Secret; None if there is none. Raises ClusterForbidden."""
        try:
            return _parse_secret(request(self.api, "GET", _path(namespace, name)))
        except NotFound:
            return None

    def write(self, namespace: str, name: str, secret: Secret, *, dry_run: bool = False) -> Secret:
        """Create a Secret, or update the version that it names. Raises StaleRevision or ClusterForbidden."""
        try:
            if secret.version:  # a patch with a resourceVersion is a conflict if the Secret has another version
                path, body = _path(namespace, name), _body(secret, resourceVersion=secret.version)
                written = request(self.api, "PATCH", path, body, content_type=MERGE_PATCH, dry_run=dry_run)
            else:
                body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"} | _body(secret, name=name)
                written = request(self.api, "POST", _path(namespace), body, dry_run=dry_run)
        except NotFound as error:
            raise StaleRevision(f"the Secret {namespace}/{name} is gone") from error
        return _parse_secret(written)

    def remove(self, namespace: str, name: str, *, version: str) -> None:
        """Delete a Secret; a missing Secret is not an error. Raises StaleRevision or ClusterForbidden."""
        with suppress(NotFound):
            request(self.api, "DELETE", _path(namespace, name), {"preconditions": {"resourceVersion": version}})


def _path(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")


def _body(secret: Secret, **metadata: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": dict(secret.labels), "ownerReferences": list(secret.owners)} | metadata,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in secret.values.items()},
    }


def _parse_secret(document: Mapping[str, Any]) -> Secret:
    metadata, data = document["metadata"], document.get("data", {})
    return Secret(
        # Other clients may store bytes that are not text; such a value never equals a generated key.
        values={key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()},
        labels=metadata.get("labels", {}),
        owners=tuple(metadata.get("ownerReferences", ())),
        version=metadata.get("resourceVersion", ""),  # a dry run has none
    )
