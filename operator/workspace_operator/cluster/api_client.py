"""Requests to the Kubernetes API over the connections, the TLS and the log-in of the official client.

Its classes for the kinds of Kubernetes are left out: loading those that Events and Secrets take is 21 MB of every
operator. No error tells what was sent or answered, which may be a Secret.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import urllib3
from kubernetes import client

from workspace_operator.errors import (
    ClusterForbidden,
    ClusterUnavailable,
    NotFound,
    StaleRevision,
    WorkspaceOperatorError,
)

JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""Only the metadata of an object: the API server does not encode the rest, and the client does not parse it."""

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

TIMEOUTS = urllib3.Timeout(connect=5.0, read=20.0)
"""Seconds to connect and to answer: a sweep must not hang on a cluster that is away."""

STATUS_ERRORS: Mapping[int, type[WorkspaceOperatorError]] = {
    HTTPStatus.BAD_REQUEST: ClusterForbidden,
    HTTPStatus.FORBIDDEN: ClusterForbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: StaleRevision,
    HTTPStatus.UNPROCESSABLE_ENTITY: ClusterForbidden,
}
"""What answers mean; any other that is no success may be another one next time."""

Json = Mapping[str, Any]


def request(
    api: client.ApiClient,
    method: str,
    path: str,
    body: Json | Sequence[Json] | None = None,
    *,
    content_type: str = JSON,
    accept: str = JSON,
    dry_run: bool = False,
) -> Json:
    """Make one request; a trial is judged as any other, and changes nothing. ``accept`` is a form of JSON.

    Raises NotFound, StaleRevision, ClusterForbidden or ClusterUnavailable.
    """
    settings = api.configuration
    headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": "workspace-operator"}
    if (header_value := authorization_header(settings)) is not None:
        headers["Authorization"] = header_value
    try:
        response = api.rest_client.pool_manager.request(
            method,
            f"{settings.host}{path}{'?dryRun=All' if dry_run else ''}",
            body=None if body is None else json.dumps(body),
            headers=headers,
            timeout=TIMEOUTS,
        )
    except urllib3.exceptions.HTTPError as error:
        raise ClusterUnavailable(f"the Kubernetes API at {settings.host} does not answer: {error}") from error
    if response.status >= HTTPStatus.BAD_REQUEST:
        kind = STATUS_ERRORS.get(response.status, ClusterUnavailable)
        raise kind(f"the Kubernetes API answers {response.status} {response.reason} to {method} {path}")
    return _document_in(response.data)


def authorization_header(settings: client.Configuration) -> str | None:
    """The header's value, read anew each time, since a pod's token changes."""
    schemes: Mapping[str, Any] = settings.auth_settings()
    return next((str(each["value"]) for each in schemes.values()), None)


def _document_in(text: bytes) -> Json:
    try:
        document: Json = json.loads(text)
    except ValueError:
        raise ClusterUnavailable("what answers in place of the Kubernetes API does not speak JSON") from None
    return document
