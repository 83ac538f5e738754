"""Signing in with a company account: a link to the identity provider, and the way back.

Starting is a link and no form: the policy `form-action 'self'` blocks a form whose answer leads to another origin.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from workspace_operator.application.sessions.attempts import START_PAGE, local_path
from workspace_operator.application.sessions.company_sign_in import Callback, CompanySignIn, Finished, Refusal, Started
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Audience, Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.sign_in import refusal_view
from workspace_operator.errors import NotFound

START_PATH: Final = "/signin/company"
CALLBACK_PATH: Final = "/signin/company/callback"


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def start(request: PageRequest) -> Page | Redirect:
        company = _company(dependencies)
        started = company.start(request.query.get("next", ""))
        if isinstance(started, Started):
            return Redirect(location=started.url, attempt_token=started.token)
        return _refusal(started.reason, company_href(dependencies))

    def finish(request: PageRequest) -> Page | Redirect:
        company, query = _company(dependencies), request.query
        callback = Callback(
            token=request.attempt_token,
            state=query.get("state", ""),
            code=query.get("code", ""),
            error=query.get("error", ""),
            issuer=query.get("iss"),
        )
        finished = company.finish(callback, agent=request.agent)
        if not isinstance(finished, Finished):
            return _refusal(finished.reason, company_href(dependencies), address=finished.address, error=callback.error)
        if request.session is not None:
            dependencies.sessions.sign_out(request.session)
        return Redirect(location=finished.next_path, session_token=finished.token, attempt_token="")

    public = Audience.PUBLIC
    return (
        Route(method="GET", pattern=START_PATH, access=public, handler=start, is_costly=True),
        Route(method="GET", pattern=CALLBACK_PATH, access=public, handler=finish, is_sign_in=True),
    )


def company_href(dependencies: Dependencies, next_path: str = "") -> str:
    """The link that begins a sign-in; empty without an identity provider. ``next_path`` may come from anybody.

    It has the host of the console: the cookie of an attempt must be of the address to which browsers are sent back.
    """
    company, path = dependencies.company_sign_in, local_path(next_path)
    if company is None:
        return ""
    query = "" if path == START_PAGE else f"?{urlencode({'next': path})}"
    return f"{company.console_url}{START_PATH}{query}"


def _company(dependencies: Dependencies) -> CompanySignIn:
    if dependencies.company_sign_in is None:
        raise NotFound("this installation has no identity provider")
    return dependencies.company_sign_in


def _refusal(reason: Refusal, href: str, *, address: str = "", error: str = "") -> Page:
    view = refusal_view(reason, company_href=href, address=address, error=error)
    status = HTTPStatus.SERVICE_UNAVAILABLE if reason is Refusal.UNAVAILABLE else HTTPStatus.FORBIDDEN
    return Page(template="sign_in.html", title=text("signin.title"), view=view, status=status, ends_attempt=True)
