"""Who reaches which page: every route and every role, and what strangers learn of a workspace."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest
from starlette.types import ASGIApp

from tests.console.environment import (
    ADMIN,
    AUTHOR,
    MANAGER,
    STRANGER,
    VIEWER,
    Browser,
    ConsoleEnv,
    text_of,
)
from workspace_operator.access.permissions import ROLES, Permission
from workspace_operator.console.app import all_routes, make_console_of
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.core.routes import Audience, Route, RouteTable
from workspace_operator.console.texts import text
from workspace_operator.console.views.errors import ErrorView
from workspace_operator.reconcile.model.accounts import AccountKey, RemoveAccount

PEOPLE: Final[dict[str, Callable[[ConsoleEnv], Browser]]] = {
    "nobody": lambda env: env.browser(),
    "installation": lambda env: env.installation(),
    "admin": lambda env: env.member(ADMIN),
    "manager": lambda env: env.member(MANAGER),
    "author": lambda env: env.member(AUTHOR),
    "viewer": lambda env: env.member(VIEWER),
    "stranger": lambda env: env.member(STRANGER),
}
TABLE: Final = {
    ("GET", "/signin"): Audience.PUBLIC,
    ("GET", "/enter"): Audience.PUBLIC,
    ("POST", "/enter"): Audience.PUBLIC,
    ("POST", "/signout"): Audience.SIGNED_IN,
    ("GET", "/signin/company"): Audience.PUBLIC,
    ("GET", "/signin/company/callback"): Audience.PUBLIC,
    ("GET", "/"): Audience.SIGNED_IN,
    ("GET", "/account"): Audience.SIGNED_IN,
    ("POST", "/account/sessions/end"): Audience.SIGNED_IN,
    ("GET", "/account/history"): Audience.INSTALLATION,
    ("GET", "/account/{account}"): Audience.ACCOUNT_ADMIN,
    ("POST", "/account/{account}/sessions/end"): Audience.ACCOUNT_ADMIN,
    ("POST", "/account/{account}/sign-ins/reset"): Audience.ACCOUNT_ADMIN,
    ("GET", "/usage"): Audience.SIGNED_IN,
    ("GET", "/usage/csv"): Audience.SIGNED_IN,
    ("GET", "/w/{workspace}"): Permission.VIEW,
    ("GET", "/w/{workspace}/cleanup"): Permission.VIEW,
    ("GET", "/w/{workspace}/cleanup/g"): Permission.VIEW,
    ("GET", "/w/{workspace}/cleanup/compare"): Permission.VIEW,
    ("GET", "/w/{workspace}/cleanup/review"): Permission.VIEW,
    ("GET", "/w/{workspace}/cleanup/{cleanup}"): Permission.VIEW,
    ("GET", "/w/{workspace}/cleanup/rules"): Permission.VIEW,
    ("GET", "/w/{workspace}/cleanup/rules/{rule}"): Permission.VIEW,
    ("GET", "/w/{workspace}/segments"): Permission.VIEW,
    ("GET", "/w/{workspace}/segments/{segment}"): Permission.VIEW,
    ("GET", "/w/{workspace}/segments/{segment}/csv"): Permission.DOWNLOAD,
    ("GET", "/w/{workspace}/exports"): Permission.VIEW,
    ("GET", "/w/{workspace}/exports/people"): Permission.DOWNLOAD,
    ("GET", "/w/{workspace}/exports/{export}/csv"): Permission.DOWNLOAD,
    ("GET", "/w/{workspace}/cleanup/{cleanup}/csv"): Permission.DOWNLOAD,
    ("GET", "/w/{workspace}/deliveries"): Permission.VIEW,
    ("GET", "/w/{workspace}/deliveries/message"): Permission.VIEW,
    ("GET", "/w/{workspace}/deliveries/body"): Permission.VIEW,
    ("GET", "/w/{workspace}/settings"): Permission.VIEW,
    ("GET", "/w/{workspace}/history"): Permission.VIEW,
    ("GET", "/w/{workspace}/migrations"): Permission.VIEW,
    ("GET", "/w/{workspace}/people"): Permission.VIEW,
    ("GET", "/w/{workspace}/people/{person}"): Permission.VIEW,
    ("GET", "/w/{workspace}/people/{person}/merge"): Permission.VIEW,
    ("POST", "/w/{workspace}/people/{person}/address"): Permission.EDIT,
    ("POST", "/w/{workspace}/people/{person}/merge"): Permission.APPLY,
    ("POST", "/w/{workspace}/people/{person}/unmerge"): Permission.APPLY,
    ("POST", "/w/{workspace}/people/{person}/delete"): Permission.APPLY,
    ("POST", "/w/{workspace}/people/{person}/suppress"): Permission.APPLY,
    ("POST", "/w/{workspace}/cleanup/decide"): Permission.PREPARE,
    ("POST", "/w/{workspace}/cleanup/discard"): Permission.PREPARE,
    ("POST", "/w/{workspace}/cleanup/rules/add"): Permission.PREPARE,
    ("POST", "/w/{workspace}/cleanup/rules/{rule}/confirm"): Permission.PREPARE,
    ("POST", "/w/{workspace}/cleanup/rules/{rule}/remove"): Permission.PREPARE,
    ("POST", "/w/{workspace}/cleanup/apply"): Permission.APPLY,
    ("POST", "/w/{workspace}/cleanup/{cleanup}/stop"): Permission.APPLY,
    ("POST", "/w/{workspace}/cleanup/{cleanup}/continue"): Permission.APPLY,
    ("GET", "/w/{workspace}/cleanup/{cleanup}/undo"): Permission.APPLY,
    ("POST", "/w/{workspace}/cleanup/{cleanup}/undo"): Permission.APPLY,
    ("POST", "/w/{workspace}/cleanup/retry"): Permission.RETRY,
    ("GET", "/w/{workspace}/imports"): Permission.VIEW,
    ("GET", "/w/{workspace}/imports/{import}"): Permission.VIEW,
    ("GET", "/w/{workspace}/imports/{import}/columns"): Permission.VIEW,
    ("GET", "/w/{workspace}/imports/{import}/rejects"): Permission.DOWNLOAD,
    ("POST", "/w/{workspace}/imports"): Permission.PREPARE,
    ("POST", "/w/{workspace}/imports/{import}/columns"): Permission.PREPARE,
    ("POST", "/w/{workspace}/imports/{import}/discard"): Permission.PREPARE,
    ("POST", "/w/{workspace}/imports/{import}/run"): Permission.EDIT,
    ("POST", "/w/{workspace}/imports/{import}/stop"): Permission.EDIT,
    ("POST", "/w/{workspace}/imports/{import}/undo"): Permission.APPLY,
}
"""Who may use each route. A new route needs its line."""


def show(_request: PageRequest) -> Page:
    return Page(template="error.html", title="", view=ErrorView(heading="shown"))


def status(person: str, access: Audience | Permission) -> int:
    """The status that a person gets for a GET of workspace 1."""
    if access is Audience.PUBLIC:
        return 200
    if person == "nobody":
        return 303
    if access is Audience.INSTALLATION:
        return 200 if person == "installation" else 404
    if access is Audience.SIGNED_IN or person in ("installation", "admin"):
        return 200
    if access is Audience.ACCOUNT_ADMIN:
        return 404
    if person == "stranger":
        return 404
    assert isinstance(access, Permission)
    return 200 if person in {role.lower() for role in ROLES[access]} else 403


def test_every_route_has_its_line(env: ConsoleEnv) -> None:
    routes = {(route.method, route.pattern): route.access for route in all_routes(env.dependencies())}

    assert routes == TABLE


SHOWN: Final = [
    (route, access)
    for route, access in TABLE.items()
    if route[0] == "GET"
    and not re.search("/company|/cleanup/|/deliveries/|/segments/|/imports/|/exports/{|{person}", route[1])
]
"""The pages that show no certain cleanup, delivery, segment, import, export or person, and need no company account; the
others are tested with one."""


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize(("route", "access"), SHOWN)
def test_pages_are_shown_to_whom_they_may_be(
    nordlicht: ConsoleEnv, person: str, route: tuple[str, str], access: Audience | Permission
) -> None:
    answer = PEOPLE[person](nordlicht).get(route[1].replace("{workspace}", "1").replace("{account}", "1"))

    assert answer.status_code == status(person, access)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("person", PEOPLE)
def test_permissions_are_those_of_the_table(nordlicht: ConsoleEnv, person: str, permission: Permission) -> None:
    """Pages of later permissions, too: the frame around a handler decides, not the handler."""
    route = Route(method="GET", pattern="/w/{workspace}/x", access=permission, handler=show)
    app = with_route(nordlicht, route)

    answer = replace(PEOPLE[person](nordlicht), app=app).get("/w/1/x")

    assert answer.status_code == status(person, permission)


def with_route(env: ConsoleEnv, route: Route) -> ASGIApp:
    """A console that has this route only."""
    return make_console_of(env.dependencies(), [route])


def test_refusal_names_those_who_may(nordlicht: ConsoleEnv) -> None:
    route = Route(method="GET", pattern="/w/{workspace}/x", access=Permission.APPLY, handler=show)

    answer = replace(nordlicht.member(VIEWER), app=with_route(nordlicht, route)).get("/w/1/x")

    assert f"You can view Club, but your role does not allow this. These people may: {MANAGER}." in text_of(answer)


def test_route_without_a_permission_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="access"):
        Route(method="GET", pattern="/w/{workspace}", handler=show)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("pattern", "access"), [("/w/{workspace}", Audience.SIGNED_IN), ("/account", Permission.ADMINISTER)]
)
def test_permission_belongs_to_a_workspace(pattern: str, access: Audience | Permission) -> None:
    with pytest.raises(ValueError, match="declare a permission for a page of a workspace"):
        Route(method="GET", pattern=pattern, access=access, handler=show)


def test_hidden_workspace_looks_like_a_missing_one(nordlicht: ConsoleEnv) -> None:
    viewer = nordlicht.member(VIEWER)

    hidden, missing, nowhere = (viewer.get(path) for path in ("/w/2", "/w/999", "/nowhere"))

    assert hidden.status_code == missing.status_code == nowhere.status_code == 404
    assert hidden.text == missing.text == nowhere.text
    assert dict(hidden.headers) == dict(missing.headers) == dict(nowhere.headers)


@pytest.mark.parametrize(
    "path", ["/w/0", "/w/01", "/w/-1", "/w/1/", "/w/1x", "/w/" + "9" * 18, "/w/" + "9" * 30, "/w/\u0661"]
)
def test_other_numbers_are_no_workspaces(nordlicht: ConsoleEnv, path: str) -> None:
    assert nordlicht.installation().get(path).status_code == 404


def test_list_has_what_one_reaches(nordlicht: ConsoleEnv) -> None:
    seen = {person: text_of(PEOPLE[person](nordlicht).get("/")) for person in ("admin", "viewer", "stranger")}

    assert all(name in seen["admin"] for name in ("Club", "Shop"))
    assert "Club" in seen["viewer"]
    assert "Shop In" not in seen["viewer"]
    assert text("workspaces.none_member") in seen["stranger"]


def test_member_who_is_taken_out_is_refused_at_once(nordlicht: ConsoleEnv) -> None:
    browser = nordlicht.member(VIEWER)
    before = browser.get("/w/1").status_code

    nordlicht.account("club", members=())

    assert (before, browser.get("/w/1").status_code) == (200, 404)


def test_without_an_account_only_the_installation_sees_it(nordlicht: ConsoleEnv) -> None:
    key = AccountKey(cluster="c1", namespace="team", name="nordlicht")
    version = nordlicht.store.accounts.observe(key, now=nordlicht.store.clock()).row_version
    nordlicht.store.accounts.apply(RemoveAccount(key=key, row_version=version))

    seen = {
        person: PEOPLE[person](nordlicht).get("/w/1").status_code for person in ("admin", "manager", "installation")
    }

    assert seen == {"admin": 404, "manager": 404, "installation": 200}


def test_two_spellings_of_an_address_are_one_person(nordlicht: ConsoleEnv) -> None:
    assert nordlicht.member(VIEWER.upper()).get("/w/1").status_code == 200


def test_address_that_calls_itself_installation_is_a_stranger(nordlicht: ConsoleEnv) -> None:
    assert nordlicht.member("installation (root)").get("/w/1").status_code == 404


def test_route_table_finds_numbers() -> None:
    route = Route(method="GET", pattern="/w/{workspace}/cleanup/{cleanup}", access=Permission.VIEW, handler=show)
    table = RouteTable([route])

    found = table.find("/w/7/cleanup/12")

    assert found is not None
    assert (found.routes, found.numbers) == ({"GET": route}, {"workspace": 7, "cleanup": 12})
    assert table.find("/w/7/cleanup") is None
