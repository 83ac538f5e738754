"""Own sessions, and for those who administer an account its people with their sign-ins."""

from collections.abc import Sequence

from workspace_operator.application.ports import ACCOUNT_WIDE
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Audience, Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.accounts import PEOPLE, account_href, account_name, account_view, members_view
from workspace_operator.console.views.history import ENTRIES, history_view


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    members, audit_log = dependencies.members, dependencies.audit_log

    def show_own(request: PageRequest) -> Page:
        session = request.own_session
        view = account_view(members.own_sessions(session), members.administered(request.viewer), current=session)
        return Page(template="account.html", title=text("account.title"), view=view)

    def end_own(request: PageRequest) -> Redirect:
        members.end_own_session(request.own_session, request.field("session"), actor=request.actor)
        return Redirect(location="/account")

    def show_log(request: PageRequest) -> Page:
        entries = audit_log.entries(ACCOUNT_WIDE, before=request.query.get("before") or None, limit=ENTRIES + 1)
        view = history_view(entries, (), (), root="/account", now=members.clock())
        return Page(template="history.html", title=text("history.title"), view=view)

    def show_members(request: PageRequest) -> Page:
        people = members.people(request.account, after=request.query.get("after", ""), limit=PEOPLE + 1)
        view = members_view(request.account, people, current=request.own_session)
        title = text("members.title", account=account_name(request.account))
        return Page(template="members.html", title=title, view=view)

    def end_session(request: PageRequest) -> Redirect:
        members.end_session(request.account, request.field("session"), actor=request.actor)
        return Redirect(location=account_href(request.account))

    def reset_sign_in(request: PageRequest) -> Redirect:
        members.reset_sign_in(request.account, request.field("key"), actor=request.actor)
        return Redirect(location=account_href(request.account))

    own, admin, root = Audience.SIGNED_IN, Audience.ACCOUNT_ADMIN, "/account/{account}"
    return (
        Route(method="GET", pattern="/account", access=own, handler=show_own, is_costly=True),
        Route(method="POST", pattern="/account/sessions/end", access=own, handler=end_own),
        Route(method="GET", pattern="/account/history", access=Audience.INSTALLATION, handler=show_log, is_costly=True),
        Route(method="GET", pattern=root, access=admin, handler=show_members, is_costly=True),
        Route(method="POST", pattern=f"{root}/sessions/end", access=admin, handler=end_session),
        Route(method="POST", pattern=f"{root}/sign-ins/reset", access=admin, handler=reset_sign_in),
    )
