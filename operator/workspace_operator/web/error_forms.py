"""How errors are written, by the part of the API (track-api.md §1, §2)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from workspace_operator.errors import Conflict, InvalidInput, NotFound, OutcomeUnknown, Unavailable, UnsupportedSchema
from workspace_operator.web.exchanges import Reply
from workspace_operator.web.routes import Authentication, ErrorForm

RETRY_SECONDS = 1
"""What callers are told to wait when the store is away, or too many want the same rows."""


UNAVAILABLE: Final = "the server cannot do this now: try again in a moment"
OUTCOME_UNKNOWN: Final = "it is not known whether this was done: read it back, or send it again"


def form_of_path(raw_path: bytes) -> ErrorForm:
    """The form for a path that leads nowhere."""
    if raw_path.startswith(b"/api/v2/"):
        return ErrorForm.V2
    return ErrorForm.APP if raw_path.startswith(b"/v1/") else ErrorForm.V1


def failure(form: ErrorForm, error: Exception, *, request_id: str) -> Reply:
    """The reply for an error of a handler. What is wrong with the server itself is told in its log only.

    Args:
        form: of the part of the API.
        error: what was raised.
        request_id: by which the log is found.
    """
    match error:
        case UnsupportedSchema() | Unavailable() | Conflict():
            sentence = OUTCOME_UNKNOWN if isinstance(error, OutcomeUnknown) else UNAVAILABLE
            wait = {"retry-after": str(RETRY_SECONDS)}
            message = f"{sentence} (request {request_id})"
            return problem(form, HTTPStatus.SERVICE_UNAVAILABLE, message, headers=wait)
        case InvalidInput():
            return problem(form, HTTPStatus.BAD_REQUEST, str(error), field=error.field)
        case NotFound():
            return problem(form, HTTPStatus.NOT_FOUND, str(error))
    message = f"this is a fault of the server's: its log has it as request {request_id}"
    return problem(form, HTTPStatus.INTERNAL_SERVER_ERROR, message)


def unauthorized(authentication: Authentication) -> Reply:
    """The reply to wrong credentials: the same whatever is wrong with them, and in every part."""
    scheme = "Bearer" if authentication is Authentication.APP else 'Basic realm="track", charset="UTF-8"'
    message, is_app = "unauthorized", authentication is Authentication.APP
    document = _app_document(HTTPStatus.UNAUTHORIZED, message) if is_app else {"meta": {"error": message}}
    return Reply(status=HTTPStatus.UNAUTHORIZED, document=document, headers={"www-authenticate": scheme})


def problem(
    form: ErrorForm, status: HTTPStatus, message: str, *, field: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    """A reply that says what is wrong, in the form of its part of the API."""
    return Reply(status=status, document=_document(form, status, message, field), headers=headers or {})


def _app_document(status: HTTPStatus, message: str) -> Any:
    """Both forms that clients of the App API look for."""
    return {"errors": [{"detail": message, "status": str(int(status))}], "meta": {"error": message}}


def _document(form: ErrorForm, status: HTTPStatus, message: str, field: str) -> Any:
    if form is ErrorForm.V2:
        reason = "unavailable" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid"
        return {"errors": [{"reason": reason, "field": field, "message": message}]}
    if form is ErrorForm.APP:
        return _app_document(status, message)
    if status == HTTPStatus.BAD_REQUEST and form is ErrorForm.V1:
        return {"meta": {"errors": [message]}}
    return {"meta": {"error": message}}
