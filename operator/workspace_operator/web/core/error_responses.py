"""Error responses, in the format of each part of the API (track-api.md §1, §2)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from workspace_operator.errors import (
    CommitUnknown,
    Conflict,
    InvalidInput,
    NotConfigured,
    NotFound,
    Unavailable,
    UnsupportedSchema,
)
from workspace_operator.http_server.responses import Response
from workspace_operator.web.core.router import Authentication, ErrorFormat

RETRY_SECONDS = 1
"""The Retry-After header when the store is unavailable or rows are contended."""


UNAVAILABLE: Final = "the server is temporarily unavailable: try again in a moment"
OUTCOME_UNKNOWN: Final = "the outcome of the command is unknown: read it back, or send it again"


def error_format_of_path(raw_path: bytes) -> ErrorFormat:
    """The error format for a path without a route."""
    if raw_path.startswith(b"/api/v2/"):
        return ErrorFormat.V2
    return ErrorFormat.APP if raw_path.startswith(b"/v1/") else ErrorFormat.V1


def response_for_error(error_format: ErrorFormat, error: Exception, *, request_id: str) -> Response:
    """The response for an error; details of internal errors are only in the log (``request_id``)."""
    match error:
        case NotConfigured():
            return error_response(error_format, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        case UnsupportedSchema() | Unavailable() | Conflict():
            sentence = OUTCOME_UNKNOWN if isinstance(error, CommitUnknown) else UNAVAILABLE
            wait = {"retry-after": str(RETRY_SECONDS)}
            message = f"{sentence} (request {request_id})"
            return error_response(error_format, HTTPStatus.SERVICE_UNAVAILABLE, message, headers=wait)
        case InvalidInput():
            return error_response(error_format, HTTPStatus.BAD_REQUEST, str(error), field=error.field)
        case NotFound():
            return error_response(error_format, HTTPStatus.NOT_FOUND, str(error))
    message = f"internal server error: the server's log has the details under request {request_id}"
    return error_response(error_format, HTTPStatus.INTERNAL_SERVER_ERROR, message)


def unauthorized_response(authentication: Authentication) -> Response:
    """The response to wrong credentials, without a hint at what is wrong with them."""
    error_format, scheme = ErrorFormat.V1, 'Basic realm="track", charset="UTF-8"'
    if authentication is Authentication.APP:
        error_format, scheme = ErrorFormat.APP, "Bearer"
    return error_response(error_format, HTTPStatus.UNAUTHORIZED, "unauthorized", headers={"www-authenticate": scheme})


def error_response(
    error_format: ErrorFormat,
    status: HTTPStatus,
    message: str,
    *,
    field: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error response with a message, in the format of its part of the API."""
    return Response(status=status, document=_document(error_format, status, message, field), headers=headers or {})


def _document(error_format: ErrorFormat, status: HTTPStatus, message: str, field: str) -> Any:
    if error_format is ErrorFormat.V2:
        reason = "unavailable" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid"
        return {"errors": [{"reason": reason, "field": field, "message": message}]}
    if error_format is ErrorFormat.APP:
        # The message in both forms that clients read.
        return {"errors": [{"detail": message, "status": str(int(status))}], "meta": {"error": message}}
    if status == HTTPStatus.BAD_REQUEST and error_format is ErrorFormat.V1:
        return {"meta": {"errors": [message]}}
    return {"meta": {"error": message}}
