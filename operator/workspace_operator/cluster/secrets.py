"""The Secrets that hold credentials (implements ``Secrets``). No error and no log tells what is in them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from workspace_operator.cluster.access import TIMEOUTS
from workspace_operator.cluster.resources import translated
from workspace_operator.errors import Moved, NotFound
from workspace_operator.reconcile.secrets import Secret

MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class ClusterSecrets:
    """Implements the port ``Secrets``."""

    api: client.ApiClient

    def read(self, namespace: str, name: str) -> Secret | None:
        """Read a Secret; None if there is none. Raises ClusterRefused."""
        try:
            with translated(_title(namespace, name)):
                return self._known(self._core.read_namespaced_secret(name, namespace, _request_timeout=TIMEOUTS))
        except NotFound:
            return None

    def write(self, namespace: str, name: str, secret: Secret, *, trial: bool = False) -> Secret:
        """Make a Secret, or put this over the version that it names. Raises Moved or ClusterRefused."""
        options: dict[str, Any] = {"_request_timeout": TIMEOUTS} | ({"dry_run": "All"} if trial else {})
        try:
            with translated(_title(namespace, name)):
                if not secret.version:
                    return self._known(self._core.create_namespaced_secret(namespace, _new(name, secret), **options))
                # One that is another version by now is a conflict, as the patch names what it is meant for.
                return self._known(
                    self._core.patch_namespaced_secret(
                        name, namespace, _content(secret), _content_type=MERGE_PATCH, **options
                    )
                )
        except NotFound as error:
            raise Moved(f"{_title(namespace, name)} is gone") from error

    def remove(self, namespace: str, name: str, *, version: str) -> None:
        """Remove a Secret; one that is gone already is no error. Raises Moved or ClusterRefused."""
        options = client.V1DeleteOptions(preconditions=client.V1Preconditions(resource_version=version))
        try:
            with translated(_title(namespace, name)):
                self._core.delete_namespaced_secret(name, namespace, body=options, _request_timeout=TIMEOUTS)
        except NotFound:
            return

    def _known(self, answer: Any) -> Secret:
        metadata = answer.metadata
        return Secret(
            values={key: _text(value) for key, value in (answer.data or {}).items()},
            labels=metadata.labels or {},
            owners=tuple(self.api.sanitize_for_serialization(metadata.owner_references) or ()),
            version=metadata.resource_version,
        )

    @property
    def _core(self) -> Any:
        return client.CoreV1Api(self.api)


def _title(namespace: str, name: str) -> str:
    return f"the Secret {namespace}/{name}"


def _new(name: str, secret: Secret) -> Mapping[str, Any]:
    content = _content(secret)
    return {**content, "metadata": {**content["metadata"], "name": name}, "type": "Opaque"}


def _content(secret: Secret) -> Mapping[str, Any]:
    metadata = {"labels": dict(secret.labels), "ownerReferences": list(secret.owners)}
    values = {key: base64.b64encode(value.encode()).decode() for key, value in secret.values.items()}
    return {"metadata": metadata | ({"resourceVersion": secret.version} if secret.version else {}), "data": values}


def _text(value: str) -> str:
    # Somebody may have put there what is no text at all; it is no key of ours in any case.
    return base64.b64decode(value).decode(errors="replace")
