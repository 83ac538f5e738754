"""Every page in each of its states: how a store gets there, and where the page is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from tests.console.cleanups.club import Club
from tests.console.environment import MANAGER, ROOT, ConsoleEnv, hidden_fields
from tests.console.hostile import HOSTILE
from tests.console.imports.import_console import FILE as IMPORT_FILE
from tests.console.imports.import_console import ImportConsole
from tests.console.reports.mailroom import BODIES, Mailroom
from tests.console.reports.segments import Segments
from tests.fakes.identity_provider import FakeIdentityProvider
from tests.store.fixtures import WorkspaceEnv
from tests.store.imports.import_env import ImportEnv
from workspace_operator.application.ports import IdentityProvider, SignInPin, StalledResources
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.rules import SendMode


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """A page in a state. ``prepare`` returns its path.

    Attributes:
        signed_in: an administrator of the installation.
        provider: the identity provider of the console.
    """

    prepare: Callable[[ConsoleEnv], str]
    signed_in: bool = True
    provider: IdentityProvider | None = None


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


def members(env: ConsoleEnv) -> str:
    """An account some of whose people have signed in."""
    club(env)
    now = env.store.clock()
    for address, agent in ((MANAGER, "Firefox/145.0 (X11; Linux x86_64)"), (MANAGER, HOSTILE[0])):
        env.member(address, agent=agent)
    pin = SignInPin(email_key=MANAGER, issuer="https://id.example", subject="1", pinned_at=now, signed_in_at=now)
    env.store.sign_in_pins.confirm(pin)
    return "/account/1"


def own_account(env: ConsoleEnv) -> str:
    members(env)
    env.installation()
    return "/account"


def sign_ins(env: ConsoleEnv) -> str:
    members(env)
    return "/account/history"


def settings(change: str = "") -> Callable[[ConsoleEnv], str]:
    """The settings of a workspace whose change people block, with a form."""
    return lambda env: f"{blocked_club(env)}/settings{change}"


def segments(env: ConsoleEnv) -> Segments:
    """A segment with people, and one without, of hostile names."""
    made = Segments.of(env)
    made.add("to delete", "a", HOSTILE[0])
    made.add(HOSTILE[-1])
    return made


def deliveries(env: ConsoleEnv) -> Mailroom:
    """Messages that were sent, refused for now, and wait."""
    room = Mailroom.of(env)
    room.send(rendered=BODIES)
    room.defer()
    room.wait(subject=HOSTILE[26] + HOSTILE[39], template=room.template(HOSTILE[0]), content_version=1)
    return room


def sent(env: ConsoleEnv) -> str:
    room = Mailroom.of(env)
    return room.page(room.send(rendered={**BODIES, "body": "<p>Hello <b>Ann</b></p>"}))


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


def stopped(club: Club) -> str:
    path, browser = applying(club), club.console.installation()
    browser.post(f"{path}/stop", {"form_token": browser.form_token(club.path)})
    club.work()
    return path


def applied_in_part(club: Club) -> str:
    drafted(club)
    club.workspace.identify_person(id="m-1040", body={"email": "other@club.example"})
    club.apply(club.console.installation())
    club.work()
    return f"{club.path}/1"


def to_be_undone(club: Club) -> str:
    """The undo of some decisions, one of which cannot be restored."""
    path, ids = applied_in_part(club), ("m-1003", "m-1004", "m-1017")
    club.workspace.delete(id="m-1004")
    return f"{path}/undo?{urlencode({'p': [club.cio_ids[id_] for id_ in ids]}, doseq=True)}"


def at_work(club: Club) -> str:
    applying(club)
    return club.path


def rules(club: Club) -> str:
    """Rules that were counted, have decided, and are being counted."""
    browser, root = club.console.installation(), f"{club.path}/rules"
    club.add_rule(browser, action="mergeIntoOldest", max_people="5", equal_attributes="name, plan", calls="never")
    club.add_rule(browser, action="deleteOthers", suffix="bo@club.example", calls="days", days="30")
    club.work()
    browser.post(f"{root}/2/confirm", hidden_fields(browser.get(f"{root}/2"), "/confirm"))
    club.work()
    club.add_rule(browser, action="clearAll")
    return root


def below(page: str, prepare: Callable[[Club], str] = drafted) -> Callable[[Club], str]:
    """Another page of the cleanup in a state."""
    return lambda club: prepare(club).partition("/1?")[0].partition("?")[0] + page


def beside(page: str) -> Callable[[Club], str]:
    """Another page of the workspace after a cleanup."""
    return lambda club: f"/w/{club.workspace.workspace_id}{page}" if applied_in_part(club) else ""


def beside_person(id_: str, page: str = "") -> Callable[[Club], str]:
    """The page of a person of the club, or one below it."""
    return lambda club: f"/w/{club.workspace.workspace_id}/people/{club.cio_ids[id_]}{page}"


def merged_person(club: Club) -> str:
    """A person that another one became part of, after a cleanup that did more."""
    applied_in_part(club)
    browser = club.console.installation()
    ids = {"survivor": club.cio_ids["m-1007"], "secondary": club.cio_ids["m-1001"]}
    path = f"/w/{club.workspace.workspace_id}/people/{ids['survivor']}"
    answer = browser.post(f"{path}/merge", {"form_token": browser.form_token("/"), **ids})
    return str(answer.headers["location"])


def deleted_person(club: Club) -> str:
    """The page of a person that a cleanup deleted."""
    applied_in_part(club)
    return beside_person("m-1003")(club)


def hostile_person(club: Club) -> str:
    """A person all of whose values are hostile."""
    for number, value in enumerate(HOSTILE):
        body = {"email": f"{value[:100]} @", value[:100]: value[:1000], "name": value[:1000]}
        club.workspace.identify_person(id="hostile", body={f"a{number}": value[:1000], **body})
    found = club.workspace.find(id="hostile")
    assert found is not None
    return f"/w/{club.workspace.workspace_id}/people/{found.cio_id}"


def uploaded(club: Club) -> str:
    """An import whose columns are to be chosen, one of them full of addresses that are lost."""
    console = ImportConsole(club=club, imports=ImportEnv(club.workspace))
    console.upload(console.browser(), IMPORT_FILE.replace("E-Mail", "Kontakt"))
    return console.one


def tried(club: Club) -> str:
    ImportConsole(club=club, imports=ImportEnv(club.workspace)).tried()
    return f"{imports(club)}/1"


def trying(club: Club) -> str:
    console = ImportConsole(club=club, imports=ImportEnv(club.workspace))
    console.upload(console.browser())
    console.choose(console.browser())
    return console.one


def imported(club: Club) -> str:
    ImportConsole(club=club, imports=ImportEnv(club.workspace)).imported()
    return f"{imports(club)}/1"


def imports(club: Club) -> str:
    """The list of imports."""
    return f"/w/{club.workspace.workspace_id}/imports"


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
    "rules": rules,
    "rules, none now": below("/rules", at_work),
    "rule, counting": lambda club: f"{rules(club)}/3",
    "rule": lambda club: f"{rules(club)}/1?groups=1",
    "rule, decided": lambda club: f"{rules(club)}/2",
    "progress": applying,
    "result": applied_in_part,
    "stopped": stopped,
    "undo of some decisions": to_be_undone,
    "identifier changes": beside("/migrations"),
    "history": beside("/history"),
    "people": lambda club: f"/w/{club.workspace.workspace_id}/people",
    "people, found": lambda club: f"/w/{club.workspace.workspace_id}/people?find=m-10",
    "people, nobody found": lambda club: f"/w/{club.workspace.workspace_id}/people?find=nobody",
    "person": beside_person("m-1017"),
    "person, merged": merged_person,
    "person, deleted": deleted_person,
    "person, hostile": hostile_person,
    "merge": beside_person("m-1017", "/merge?with=m-1001"),
    "merge, several": beside_person("m-1007", "/merge?with=ada.silva%40club.example"),
    "imports, none": imports,
    "imports": lambda club: imports(club) if imported(club) else "",
    "imports, one under way": lambda club: imports(club) if tried(club) else "",
    "import, columns": uploaded,
    "import, being tried": trying,
    "import, tried": tried,
    "import, columns again": lambda club: f"{tried(club)}/columns",
    "import, done": imported,
}
"""Pages of the club of console.md, of which each needs a database."""

FILES: Final = frozenset(
    {
        "/usage/csv",
        "/w/{workspace}/cleanup/{cleanup}/csv",
        "/w/{workspace}/deliveries/body",
        "/w/{workspace}/exports/people",
        "/w/{workspace}/exports/{export}/csv",
        "/w/{workspace}/imports/{import}/rejects",
        "/w/{workspace}/segments/{segment}/csv",
    }
)
"""Routes whose answers are no pages of ours: files, and HTML of others in a frame."""

PAGES: Final[Mapping[str, PageState]] = {
    "sign in": PageState(prepare=lambda _: "/signin", signed_in=False),
    "signed out by time": PageState(prepare=lambda _: "/signin?ended=idle", signed_in=False),
    "enter": PageState(prepare=lambda env: f"/enter?t={env.links.create(actor=ROOT)}", signed_in=False),
    "sign in, company account": PageState(
        prepare=lambda _: "/signin?next=/w/1", signed_in=False, provider=FakeIdentityProvider()
    ),
    "company account, not available": PageState(
        prepare=lambda _: "/signin/company", signed_in=False, provider=FakeIdentityProvider(is_away=True)
    ),
    "company account, refused": PageState(
        prepare=lambda _: "/signin/company/callback?state=x", signed_in=False, provider=FakeIdentityProvider()
    ),
    "account": PageState(prepare=own_account),
    "members": PageState(prepare=members),
    "sign-ins": PageState(prepare=sign_ins),
    "no page": PageState(prepare=lambda _: "/nowhere"),
    "no workspace": PageState(prepare=lambda _: "/"),
    "workspaces": PageState(prepare=many),
    "hostile names": PageState(prepare=hostile),
    "overview": PageState(prepare=club),
    "overview, blocked": PageState(prepare=blocked_club),
    "overview, suspended": PageState(prepare=suspended_club),
    "overview, stalled": PageState(prepare=stalled_club),
    "segments": PageState(prepare=lambda env: segments(env).path),
    "segments, none": PageState(prepare=lambda env: f"{club(env)}/segments"),
    "segment": PageState(prepare=lambda env: f"{segments(env).path}/1"),
    "segment, nobody": PageState(prepare=lambda env: f"{segments(env).path}/2"),
    "exports": PageState(prepare=lambda env: f"{blocked_club(env)}/exports"),
    "exports, none": PageState(prepare=lambda env: f"{club(env)}/exports"),
    "usage": PageState(prepare=lambda env: many(env) + "usage"),
    "usage, no workspace": PageState(prepare=lambda _: "/usage"),
    "deliveries": PageState(prepare=lambda env: deliveries(env).path),
    "deliveries, none found": PageState(prepare=lambda env: f"{deliveries(env).path}?state=bounced"),
    "delivery": PageState(prepare=sent),
    "delivery, not handed over": PageState(prepare=lambda env: (room := Mailroom.of(env)).page(room.wait())),
    "settings": PageState(prepare=settings()),
    "settings, what to commit": PageState(prepare=settings("?change=color&spec.color=B23A48")),
    "settings, wrong value": PageState(prepare=settings("?change=sendBehavior&spec.sendBehavior.mode=Test")),
    "overview, long name": PageState(prepare=hostile_overview),
}
