"""Requests to the Kubernetes API, with the connections, TLS and authentication of the official client.

This module does not use its classes for the kinds of Kubernetes: those for Events and Secrets need 21 MB of memory. No
error contains the body of a request or a response, which may be a Secret; the message of a refusal only if the caller
asks for it.
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
"""Accept only the metadata of an object: the server need not encode the rest, nor the client parse it."""

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

TIMEOUTS = urllib3.Timeout(connect=5.0, read=20.0)
"""Seconds to connect and to answer: a resync must not hang on an unavailable cluster."""

REFUSAL_LENGTH = 300
"""Maximum length of the server's reason in an error: the condition that quotes it holds 1000 characters."""

STATUS_ERRORS: Mapping[int, type[WorkspaceOperatorError]] = {
    HTTPStatus.BAD_REQUEST: ClusterForbidden,
    HTTPStatus.FORBIDDEN: ClusterForbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: StaleRevision,
    HTTPStatus.UNPROCESSABLE_ENTITY: ClusterForbidden,
}
"""Errors of response codes; every other error code means that a retry may succeed."""

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
    with_reason: bool = False,
) -> Json:
    """Send one request. ``accept`` is a form of JSON; a dry run is validated, but changes nothing.

    With ``with_reason`` a ClusterForbidden says why, in the server's words, which may quote the body of the request.

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
        why = refusal_text(response.data) if with_reason and kind is ClusterForbidden else ""
        raise kind(f"the Kubernetes API answers {response.status} {response.reason} to {method} {path}{why}")
    try:
        document: Json = json.loads(response.data)
    except ValueError:
        raise ClusterUnavailable("the response of the Kubernetes API is not JSON; a proxy may have answered") from None
    return document


def refusal_text(answer: bytes) -> str:
    """The message of a Status, after a colon and cut to `REFUSAL_LENGTH`; empty for another answer."""
    try:
        status = json.loads(answer)
    except ValueError:
        return ""
    message = str(status.get("message") or "") if isinstance(status, Mapping) else ""
    cut = message if len(message) <= REFUSAL_LENGTH else message[: REFUSAL_LENGTH - 1] + "…"
    return f": {cut}" if cut else ""


def authorization_header(settings: client.Configuration) -> str | None:
    """Value of the Authorization header, read again for each request, since the token of a pod changes."""
    schemes: Mapping[str, Any] = settings.auth_settings()
    return next((str(scheme["value"]) for scheme in schemes.values()), None)
