"""Every page in each of its states: how a store gets there, and where the page is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tests.console.cleanups.club import Club
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


def drafted(club: Club) -> str:
    """Decisions of each kind, refused and conflicting ones among them."""
    browser = club.console.installation()
    club.settle(browser)
    club.correct(browser, "m-1004", "eve@club.example")
    return club.path


def opened(club: Club) -> str:
    drafted(club)
    return f"{club.path}?open={club.cio_ids['m-1004']}"


def suspended(club: Club) -> str:
    drafted(club)
    club.workspace.pause()
    return club.path


def applying(club: Club) -> str:
    drafted(club)
    club.apply(club.console.installation())
    return f"{club.path}/1"


def applied_in_part(club: Club) -> str:
    drafted(club)
    club.workspace.identify_person(id="m-1040", body={"email": "other@club.example"})
    club.apply(club.console.installation())
    club.work()
    return f"{club.path}/1"


def at_work(club: Club) -> str:
    applying(club)
    return club.path


def below(page: str, prepare: Callable[[Club], str] = drafted) -> Callable[[Club], str]:
    """Another page of the clean-up in a state."""
    return lambda club: prepare(club).partition("/1?")[0].partition("?")[0] + page


def beside(page: str) -> Callable[[Club], str]:
    """Another page of the workspace after a cleanup."""
    return lambda club: f"/w/{club.workspace.workspace_id}{page}" if applied_in_part(club) else ""


def among_others(club: Club) -> str:
    """The workspaces of an account, each in another state."""
    env = club.console
    env.workspace("shop", mode=Mode.EMAIL_OR_ID, color="0B7A75", display_name="Nordlicht Shop")
    env.workspace(
        "shop-staging",
        mode=Mode.EMAIL_OR_ID,
        color="FFD400",
        display_name="Shop (staging)",
        send_mode=SendMode.TEST,
        test_address="qa@nordlicht.example",
    )
    env.account("club", workspace_limit=5)
    return "/"


GROUP: Final = "key=ada.silva%40club.example"
CLUB_PAGES: Final[Mapping[str, Callable[[Club], str]]] = {
    "workspaces, some of one account": among_others,
    "clean-up": lambda club: club.path,
    "clean-up, decided": drafted,
    "clean-up, correction": opened,
    "clean-up, nobody found": lambda club: f"{club.path}?find=nobody",
    "clean-up, suspended": suspended,
    "clean-up, at work": at_work,
    "group": lambda club: f"{club.path}/g?{GROUP}",
    "compare": lambda club: f"{club.path}/compare?{GROUP}",
    "review": below("/review"),
    "progress": applying,
    "result": applied_in_part,
    "identifier changes": beside("/migrations"),
    "history": beside("/history"),
}
"""Pages of the club of console.md, of which each needs a database."""

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
