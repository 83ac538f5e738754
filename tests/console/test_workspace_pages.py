"""What the list and the overview say, in each state of a workspace."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.console.environment import ADMIN, ConsoleEnv, parsed, text_of, title_of
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import CredentialDigests, StalledResources
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.rules import SendMode

States = dict[str, tuple[Callable[[WorkspaceEnv], object], str, str]]


def blocked(env: WorkspaceEnv) -> None:
    env.add_many({"a": "same@club.example", "b": "same@club.example", "c": "no address", "d": None})
    env.migrate_to(Mode.EMAIL_OR_ID)


def blocked_and_suspended(env: WorkspaceEnv) -> None:
    blocked(env)
    env.pause()


STATES: States = {
    "in force": (lambda env: env.add("a"), "None", "Every setting is in force."),
    "waiting": (
        lambda env: env.request(),
        "Change to “email or id” runs",
        "The identifiers change from “id only” to “email or id”.",
    ),
    "blocked": (
        blocked,
        "3 people block the change to “email or id”",
        "3 of 4 people block the change from “id only” to “email or id”. Identifiers stay “id only”.",
    ),
    "suspended": (blocked_and_suspended, "Change to “email or id” is suspended", "The identifier change waits."),
    "done": (
        lambda env: env.migrate_to(Mode.EMAIL_OR_ID),
        "None",
        "email or id",
    ),
}


def workspace_env(env: ConsoleEnv) -> WorkspaceEnv:
    return WorkspaceEnv.create(env.store, Mode.ID_ONLY)


@pytest.mark.parametrize("state", STATES)
def test_state_of_the_identifiers_is_said(env: ConsoleEnv, state: str) -> None:
    reach, listed, overview = STATES[state]
    workspace = workspace_env(env)
    reach(workspace)
    browser = env.installation()

    pages = [browser.get("/"), browser.get(f"/w/{workspace.workspace_id}")]

    assert listed in text_of(pages[0])
    assert overview in text_of(pages[1])


def test_list_is_grouped_by_account(env: ConsoleEnv) -> None:
    for name, account in (("shop", "nordlicht"), ("club", "nordlicht"), ("b2b", "other")):
        env.workspace(name, account=account)
    env.account("club", workspace_limit=5)

    said = text_of(env.installation().get("/"))

    assert "Nordlicht 2 of 5 workspaces" in said
    assert "team/other 1 workspace " in said
    assert said.index("C Club") < said.index("S Shop")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "Sends"),
        ({"send_mode": SendMode.TEST, "test_address": "qa@shop.example"}, "Test only → qa@shop.example"),
        ({"send_mode": SendMode.NEVER}, "Sends nothing"),
    ],
)
def test_list_says_what_is_sent(env: ConsoleEnv, settings: dict[str, Any], said: str) -> None:
    env.workspace("club", **settings)

    assert f"0 people {said} None" in text_of(env.installation().get("/"))


def test_empty_list_says_what_to_do(env: ConsoleEnv) -> None:
    assert "You have no access to any workspace. There is none yet." in text_of(env.installation().get("/"))
    assert "You have no access to any workspace. An admin can add you" in text_of(env.member(ADMIN).get("/"))


def test_numbers_have_separators(env: ConsoleEnv) -> None:
    workspace = workspace_env(env)
    workspace.add_many({f"m{number}": None for number in range(1234)})

    assert "1,234 people" in text_of(env.installation().get("/"))


def test_overview_counts_people(env: ConsoleEnv) -> None:
    workspace = workspace_env(env)
    workspace.add("a", "a@club.example")
    workspace.add("b")

    said = text_of(env.installation().get(f"/w/{workspace.workspace_id}"))

    assert "People in all2 with an address1 without an id0" in said


def test_overview_says_when_credentials_were_rotated(env: ConsoleEnv) -> None:
    workspace, now = env.workspace(), env.store.clock()
    page = f"/w/{workspace.workspace_id}"
    before = text_of(env.installation().get(page))
    digests = CredentialDigests(site_id="s", api_key="a", app_key="p")
    env.store.credentials.rotate(workspace.workspace_id, digests, grace=timedelta(0), request="", now=now)

    answer = env.installation().get(page)

    assert "Credentials rotated never" in before
    assert "1 Mar 2026, 12:00 UTC" in text_of(answer)
    assert 'datetime="2026-03-01T12:00:00+00:00"' in answer.text


def test_overview_lists_what_needs_a_person(env: ConsoleEnv) -> None:
    workspace = env.workspace()
    stalled = StalledResources(
        kind="Workspace", reason="NameConflict", count=1, names=("team/club",), message="Another has the name."
    )
    env.store.heartbeats.beat("c1", stalled=[stalled], now=env.store.clock())

    said = text_of(env.installation().get(f"/w/{workspace.workspace_id}"))

    assert "Not every setting is in force: see what there is to do." in said
    assert "NameConflict: Another has the name." in said
    assert "does not report" not in said


def test_overview_says_once_that_people_block(env: ConsoleEnv) -> None:
    """What the operator reported is older than what the database knows, and in its words."""
    workspace = workspace_env(env)
    blocked(workspace)
    stalled = StalledResources(
        kind="Workspace", reason="MigrationBlocked", count=1, names=("team/club",), message="3 of 4 people block it."
    )
    env.store.heartbeats.beat("c1", stalled=[stalled], now=env.store.clock())

    said = text_of(env.installation().get(f"/w/{workspace.workspace_id}"))

    assert "3 people block the identifier change: correct, merge or delete them." in said
    assert "MigrationBlocked" not in said


@pytest.mark.parametrize("names", [("team/other",), ()])
def test_overview_does_not_show_what_concerns_others(env: ConsoleEnv, names: tuple[str, ...]) -> None:
    workspace = env.workspace()
    stalled = StalledResources(kind="Workspace", reason="NameConflict", count=1, names=names, message="Other.")
    env.store.heartbeats.beat("c1", stalled=[stalled], now=env.store.clock())

    said = text_of(env.installation().get(f"/w/{workspace.workspace_id}"))

    assert "Every setting is in force." in said
    assert "Nothing to do." in said


def test_overview_says_that_the_operator_is_silent(env: ConsoleEnv) -> None:
    workspace = env.workspace()
    env.store.heartbeats.beat("c1", now=env.store.clock())
    env.store.clock.advance(61)

    assert "The operator of this cluster does not report." in text_of(
        env.installation().get(f"/w/{workspace.workspace_id}")
    )


def test_titles_name_the_page(nordlicht: ConsoleEnv) -> None:
    browser = nordlicht.installation()

    assert title_of(browser.get("/")) == "Workspaces · Workspace console"
    assert title_of(browser.get("/w/1")) == "Club · Workspace console"


def test_frame_links_to_pages_that_exist(nordlicht: ConsoleEnv) -> None:
    browser = nordlicht.installation()
    page = parsed(browser.get("/w/1"))
    links = {link.attrib["href"] for link in page.iter("{http://www.w3.org/1999/xhtml}a")} - {"#content"}

    pages = ["cleanup", "migrations", "people", "segments", "imports", "exports", "deliveries", "settings", "history"]
    assert links == {"/", "/account", "/w/1", *(f"/w/1/{page}" for page in pages)}
    assert {browser.get(link).status_code for link in links} == {200}


def test_every_page_has_one_heading_and_unique_ids(nordlicht: ConsoleEnv) -> None:
    browser = nordlicht.installation()

    for path in ("/", "/w/1", "/signin", "/enter?t=x", "/nowhere"):
        elements = list(parsed(browser.get(path)).iter())
        ids = [element.attrib["id"] for element in elements if "id" in element.attrib]
        headings = [element for element in elements if element.tag.endswith("}h1")]
        assert len(headings) == 1, path
        assert len(ids) == len(set(ids)), path
