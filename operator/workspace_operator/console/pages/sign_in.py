"""Signing in by a link from the terminal, and signing out."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Audience, Route
from workspace_operator.console.pages.company_sign_in import company_href
from workspace_operator.console.texts import text
from workspace_operator.console.views.sign_in import EnterView, SignInView

_NOTES: Final = {"idle": "signin.idle", "expired": "signin.expired", "by_hand": "signin.signed_out"}
"""Why somebody was signed out, as in the query ``ended``."""


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show_sign_in(request: PageRequest) -> Page:
        note = _NOTES.get(request.query.get("ended", ""))
        view = SignInView(
            note=text(note) if note else "", company_href=company_href(dependencies, request.query.get("next", ""))
        )
        return Page(template="sign_in.html", title=text("signin.title"), view=view)

    def show_enter(request: PageRequest) -> Page:
        # It uses nothing up: programs that check links open them, too.
        view = EnterView(token=request.query.get("t", ""))
        return Page(template="enter.html", title=text("signin.title"), view=view)

    def enter(request: PageRequest) -> Page | Redirect:
        signed_in = dependencies.links.enter(request.field("t"), agent=request.agent)
        if signed_in is None:
            view = SignInView(note=text("enter.used"), is_link_used=True, company_href=company_href(dependencies))
            status = HTTPStatus.FORBIDDEN
            return Page(template="sign_in.html", title=text("signin.title"), view=view, status=status)
        if request.session is not None:
            dependencies.sessions.sign_out(request.session)
        number = signed_in.workspace_id
        return Redirect(location="/" if number is None else f"/w/{number}", session_token=signed_in.token)

    def sign_out(request: PageRequest) -> Redirect:
        if request.session is not None:
            dependencies.sessions.sign_out(request.session)
        return Redirect(location="/signin?ended=by_hand", session_token="")

    return (
        Route(method="GET", pattern="/signin", access=Audience.PUBLIC, handler=show_sign_in),
        Route(method="GET", pattern="/enter", access=Audience.PUBLIC, handler=show_enter),
        Route(method="POST", pattern="/enter", access=Audience.PUBLIC, handler=enter, is_sign_in=True),
        Route(method="POST", pattern="/signout", access=Audience.SIGNED_IN, handler=sign_out),
    )
