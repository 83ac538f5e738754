"""Every page in each of its states: how a store gets there, and where the page is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tests.console.environment import ROOT, ConsoleEnv
from tests.console.hostile import HOSTILE
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import StalledResources
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.rules import SendMode


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """A page in a state. ``prepare`` returns its path."""

    prepare: Callable[[ConsoleEnv], str]
    signed_in: bool = True


def club(env: ConsoleEnv) -> str:
    workspace = env.workspace("club", display_name="Nordlicht Club", color="B23A48")
    env.account("club", workspace_limit=5)
    return f"/w/{workspace.workspace_id}"


def blocked_club(env: ConsoleEnv) -> str:
    workspace = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    workspace.add_many({"a": "same@club.example", "b": "same@club.example", "c": "no address"})
    workspace.migrate_to(Mode.EMAIL_OR_ID)
    return f"/w/{workspace.workspace_id}"


def suspended_club(env: ConsoleEnv) -> str:
    workspace = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    workspace.request()
    workspace.pause()
    return f"/w/{workspace.workspace_id}"


def stalled_club(env: ConsoleEnv) -> str:
    path = club(env)
    stalled = StalledResources(
        kind="Workspace", reason="NameConflict", count=1, names=("team/club",), message="Another has the name."
    )
    env.store.heartbeats.beat("c1", stalled=[stalled], now=env.store.clock() - timedelta(minutes=5))
    return path


def many(env: ConsoleEnv) -> str:
    club(env)
    env.workspace("shop", send_mode=SendMode.TEST, test_address="qa@shop.example", color="FFD400")
    env.workspace("b2b", account="other", send_mode=SendMode.NEVER, color="111111")
    blocked_club(env)
    suspended_club(env)
    return "/"


def hostile(env: ConsoleEnv) -> str:
    for number, value in enumerate(HOSTILE):
        env.workspace(f"w{number}", display_name=f"{value} {number}", color="777777")
    env.account(display_name=HOSTILE[0])
    return "/"


def hostile_overview(env: ConsoleEnv) -> str:
    workspace = env.workspace("club", display_name=HOSTILE[-1], color="777777")
    return f"/w/{workspace.workspace_id}"


PAGES: Final[Mapping[str, PageState]] = {
    "sign in": PageState(prepare=lambda _: "/signin", signed_in=False),
    "signed out by time": PageState(prepare=lambda _: "/signin?ended=idle", signed_in=False),
    "enter": PageState(prepare=lambda env: f"/enter?t={env.links.create(actor=ROOT)}", signed_in=False),
    "no page": PageState(prepare=lambda _: "/nowhere"),
    "no workspace": PageState(prepare=lambda _: "/"),
    "workspaces": PageState(prepare=many),
    "hostile names": PageState(prepare=hostile),
    "overview": PageState(prepare=club),
    "overview, blocked": PageState(prepare=blocked_club),
    "overview, suspended": PageState(prepare=suspended_club),
    "overview, stalled": PageState(prepare=stalled_club),
    "overview, long name": PageState(prepare=hostile_overview),
}
