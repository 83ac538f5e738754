"""Error pages. They show no frame and no name, so that a page that is hidden and one that is missing look the same."""

from http import HTTPStatus
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.overviews.viewers import SeenWorkspace
from workspace_operator.console.core.http import Page
from workspace_operator.console.texts import text
from workspace_operator.console.views.errors import ErrorView
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.rights import named_people
from workspace_operator.errors import (
    InvalidInput,
    NotFound,
    StaleRevision,
    StatementTimeout,
    Unavailable,
    WorkspaceOperatorError,
)

RETRY_SECONDS: Final = 10
"""After which a page asks a database again that did not answer."""


def error_page(
    status: HTTPStatus, heading: str, more: str = "", *, refreshes: str = "", retry_after: int | None = None
) -> Page:
    """An error page."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    view = ErrorView(heading=heading, more=more)
    return Page(template="error.html", title=heading, view=view, status=status, refreshes=refreshes, headers=headers)


def known_error_page(key: str, status: HTTPStatus, **values: object) -> Page:
    """An error page with the texts of a key."""
    return error_page(status, text(f"error.{key}"), text(f"error.{key}_more", **values))


def not_found_page() -> Page:
    """The page for what does not exist, and for what the viewer may not see."""
    return error_page(HTTPStatus.NOT_FOUND, text("error.not_found"))


def refused_page(seen: SeenWorkspace, permission: Permission) -> Page:
    """The page for a viewer who reaches the workspace but lacks a permission: it names those who have it."""
    name = visible(seen.workspace.settings.display_name)
    more = named_people(seen, permission)
    return error_page(HTTPStatus.FORBIDDEN, text("error.refused", workspace=name), more)


def page_for_error(error: WorkspaceOperatorError, *, path: str) -> Page:
    """The page for an error that a use case raised. It never shows what a database said."""
    match error:
        case NotFound():
            return not_found_page()
        case InvalidInput():
            return error_page(HTTPStatus.BAD_REQUEST, text("error.invalid"), visible(str(error)))
        case StaleRevision():
            return error_page(HTTPStatus.CONFLICT, text("error.stale"), visible(str(error)))
        case StatementTimeout():
            return error_page(HTTPStatus.SERVICE_UNAVAILABLE, text("error.too_long"))
        case Unavailable():
            heading, more = text("error.store_away"), text("error.store_away_more")
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return error_page(status, heading, more, refreshes=path, retry_after=RETRY_SECONDS)
        case _:
            return error_page(HTTPStatus.CONFLICT, visible(str(error)))


def unknown_error_page(request_id: str) -> Page:
    """The page for a defect: a number, under which the log has the details."""
    return known_error_page("ours", HTTPStatus.INTERNAL_SERVER_ERROR, request=request_id)


def too_many_page(seconds: float) -> Page:
    """The page for somebody who sends too much."""
    wait = max(1, round(seconds + 0.5))
    status, heading = HTTPStatus.TOO_MANY_REQUESTS, text("error.too_many")
    return error_page(status, heading, text("error.too_many_more", seconds=wait), retry_after=wait)
