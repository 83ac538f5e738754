"""The console on a store in memory, without sockets, and browsers that are signed in."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any, cast
from xml.etree.ElementTree import Element

import html5lib
from httpx import ASGITransport, AsyncClient, Request, Response
from starlette.types import ASGIApp

from tests.fakes.absent import absent_port
from tests.fakes.cleanups import NoCleanups, NoListedCalls, NoListings
from tests.fakes.imports import NoImports
from tests.store.backends import Store, memory_store
from tests.store.fixtures import owner
from tests.workspaces import create_workspace
from workspace_operator.access.model import Member, Role
from workspace_operator.application.accounts.access import AccessReader
from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.audit.downloads import Downloads
from workspace_operator.application.cleanups.blocking import BlockingPeople
from workspace_operator.application.cleanups.decisions import DecisionMaker
from workspace_operator.application.cleanups.lists import CleanupLists
from workspace_operator.application.cleanups.rules import RuleMaker
from workspace_operator.application.imports.preparation import ImportPreparation
from workspace_operator.application.manifests.settings_changes import SettingsPlanner
from workspace_operator.application.overviews.members import MemberReader
from workspace_operator.application.overviews.people_counts import PeopleCounter
from workspace_operator.application.overviews.summaries import SummaryReader
from workspace_operator.application.overviews.viewers import WorkspaceReader
from workspace_operator.application.ports import (
    Actor,
    AuditAction,
    Cleanups,
    ConsoleSession,
    IdentityProvider,
    Imports,
    ListedCalls,
    Listings,
)
from workspace_operator.application.profiles.actions import PersonActions
from workspace_operator.application.profiles.profiles import ProfileReader
from workspace_operator.application.sessions.company_sign_in import CompanySignIn
from workspace_operator.application.sessions.entries import session_entry
from workspace_operator.application.sessions.links import SignInLinks
from workspace_operator.application.sessions.sessions import SessionReader
from workspace_operator.application.sessions.tokens import digest_of, new_token
from workspace_operator.console.app import make_console
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.pages.company_sign_in import CALLBACK_PATH
from workspace_operator.console.security.form_tokens import FIELD
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, SetAccount
from workspace_operator.workspaces.model import Workspace

URL = "http://127.0.0.1:8200"
LOCAL = ("127.0.0.1", 50_000)
ADMIN, MANAGER, AUTHOR, VIEWER = (f"{name}@nordlicht.example" for name in ("ada", "lena", "omar", "vera"))
STRANGER = "mallory@elsewhere.example"
HTML = "{http://www.w3.org/1999/xhtml}"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
ROOT = Actor.installation("root")
_uids = count(1)


@dataclass(kw_only=True)
class ConsoleEnv:
    """The console of one store. ``options`` are settings of its dependencies; ``provider`` signs members in."""

    store: Store = field(default_factory=memory_store)
    options: dict[str, Any] = field(default_factory=dict)
    records: list[AccessRecord] = field(default_factory=list)
    provider: IdentityProvider | None = None

    def __post_init__(self) -> None:
        self.people = PeopleCounter(count=self.store.people.count, clock=self.store.clock)
        self.app = self._app()

    @property
    def links(self) -> SignInLinks:
        return SignInLinks(sessions=self.store.sessions, audit_log=self.store.audit_log, clock=self.store.clock)

    def dependencies(self) -> Dependencies:
        store = self.store
        summaries = SummaryReader(
            workspaces=store.workspaces,
            accounts=store.accounts,
            migrations=store.migrations,
            credentials=store.credentials,
            heartbeats=store.heartbeats,
            people=self.people,
            clock=store.clock,
        )
        cleanups = store.cleanups or cast("Cleanups", NoCleanups())
        imports = store.imports or cast("Imports", NoImports())
        listings = store.listings or cast("Listings", NoListings())
        listed_calls = store.listed_calls or cast("ListedCalls", NoListedCalls())
        rules = store.cleanup_rules or absent_port()
        lists = CleanupLists(
            migrations=store.migrations,
            cleanups=cleanups,
            listings=listings,
            listed_calls=listed_calls,
            people=store.people,
            clock=store.clock,
        )
        made = Dependencies(
            sessions=SessionReader(sessions=store.sessions, clock=store.clock),
            links=self.links,
            workspaces=WorkspaceReader(workspaces=store.workspaces, accounts=store.accounts),
            summaries=summaries,
            cleanup_lists=lists,
            decision_maker=DecisionMaker(cleanups=cleanups, lists=lists, clock=store.clock),
            cleanups=cleanups,
            cleanup_rules=rules,
            rule_maker=RuleMaker(rules=rules, cleanups=cleanups, clock=store.clock),
            undo_previews=store.undo_previews or absent_port(),
            import_preparation=ImportPreparation(imports=imports, people=store.people, clock=store.clock),
            person_records=store.person_records,
            members=MemberReader(
                accounts=store.accounts, sessions=store.sessions, pins=store.sign_in_pins, clock=store.clock
            ),
            company_sign_in=self._company_sign_in(),
            settings_planner=SettingsPlanner(previews=store.previews, clock=store.clock),
            segments=store.segments,
            exports=store.exports,
            downloads=Downloads(
                people=store.people,
                person_records=store.person_records,
                segments=store.segments,
                exports=store.exports,
                cleanups=cleanups,
                audit_log=store.audit_log,
                clock=store.clock,
            ),
            deliveries=store.deliveries,
            templates=store.templates,
            usage=UsageReader(people=store.people, counters=store.message_counters),
            profiles=ProfileReader(
                people=store.people,
                person_records=store.person_records,
                segments=store.segments,
                merges=store.merges,
                cleanups=cleanups,
                deliveries=store.deliveries,
                blocking=BlockingPeople(migrations=store.migrations, listings=listings),
            ),
            person_actions=PersonActions(people=store.people, merges=store.merges, clock=store.clock),
            audit_log=store.audit_log,
            limiting_reads=partial(store.database.limiting_reads, 2) if store.database else nullcontext,
            sharing_reads=store.database.sharing_reads if store.database else nullcontext,
            access_log=self.records.append,
            close=self.people.close,
        )
        return replace(made, **self.options)

    def _company_sign_in(self) -> CompanySignIn | None:
        store = self.store
        if self.provider is None:
            return None
        return CompanySignIn(
            provider=self.provider,
            access=AccessReader(accounts=store.accounts),
            sessions=store.sessions,
            pins=store.sign_in_pins,
            audit_log=store.audit_log,
            clock=store.clock,
            console_url=self.options.get("console_url", URL),
            callback_path=CALLBACK_PATH,
        )

    def _app(self) -> ASGIApp:
        return make_console(self.dependencies())

    def browser(self, *, url: str = URL, client: tuple[str, int] = LOCAL, token: str = "") -> "Browser":
        """A browser that is not signed in, or has the cookie of a session."""
        name = "__Host-console" if url.startswith("https") else "console"
        return Browser(app=self.app, url=url, client=client, token=token, cookie=f"{name}={token}" if token else "")

    def installation(self) -> "Browser":
        """The browser of an administrator of the installation."""
        signed_in = self.links.enter(self.links.create(actor=ROOT), agent="test")
        assert signed_in is not None
        return self.browser(token=signed_in.token)

    def member(self, address: str, **session: object) -> "Browser":
        """The browser of somebody who signed in with an address."""
        now, token = self.store.clock(), new_token()
        made = ConsoleSession(
            token_digest=digest_of(token),
            person=email_key(address) or address,
            actor=address,
            is_installation=False,
            agent="test",
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=12),
        )
        made = replace(made, **session)  # type: ignore[arg-type]
        entry = session_entry(AuditAction.SIGNED_IN, address, at=now)
        self.store.sessions.add_session(made, max_sessions=20, forget_before=now - timedelta(days=1), entry=entry)
        return self.browser(token=token)

    def workspace(self, name: str = "club", *, account: str = "nordlicht", **settings: Any) -> Workspace:
        """A workspace of the namespace team."""
        of = replace(owner(name), uid=f"u{next(_uids)}")
        made = create_workspace(
            self.store.workspaces,
            of,
            now=self.store.clock(),
            mode=settings.pop("mode", Mode.ID_ONLY),
            account=account,
            **{"display_name": name.title(), **settings},
        )
        return self.store.workspaces.get(made.workspace_id)

    def account(self, *workspaces: str, name: str = "nordlicht", **settings: Any) -> None:
        """An Account whose members reach the named workspaces, each with a role."""
        roles = ((MANAGER, Role.MANAGER), (AUTHOR, Role.AUTHOR), (VIEWER, Role.VIEWER))
        members = tuple(Member(email=address, workspaces=frozenset(workspaces), role=role) for address, role in roles)
        made = AccountSettings(**{"display_name": "Nordlicht", "admins": (ADMIN,), "members": members, **settings})
        key = AccountKey(cluster="c1", namespace="team", name=name)
        version = self.store.accounts.observe(key, now=self.store.clock()).row_version
        self.store.accounts.apply(SetAccount(key=key, row_version=version, uid="a1", settings=made))


@dataclass(kw_only=True)
class Browser:
    """A browser: it sends what browsers send, and follows no redirect."""

    app: ASGIApp
    url: str
    client: tuple[str, int]
    token: str
    cookie: str

    def get(self, path: str, **headers: str) -> Response:
        return self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(
        self,
        path: str,
        form: Mapping[str, str | list[str]] | None = None,
        *,
        headers: Mapping[str, str] = SAME_ORIGIN,
        page: str = "/",
    ) -> Response:
        """Send a form; without fields, with the token of a page."""
        fields = {FIELD: self.form_token(page)} if self.token and form is None else form or {}
        return self.send("POST", path, headers=headers, data=fields)

    def send_form(self, path: str, *, headers: Mapping[str, str] = SAME_ORIGIN, **body: Any) -> Response:
        """Send a form that may have a file."""
        made = Request("POST", f"{self.url}{path}", **{"headers": headers, **body})
        sent = {**headers, "content-type": made.headers.get("content-type", "")}
        return self.send("POST", path, headers={**SAME_ORIGIN, **sent}, content=made.read())

    def send(self, method: str, path: str, *, headers: Mapping[str, str], **body: Any) -> Response:
        """Send a request as it is."""
        cookies = {"cookie": self.cookie} if self.cookie else {}

        async def sent() -> Response:
            transport = ASGITransport(self.app, client=self.client)
            async with AsyncClient(transport=transport, base_url=self.url) as http:
                return await http.request(method, path, headers={**cookies, **headers}, **body)

        return asyncio.run(sent())

    def form_token(self, page: str = "/") -> str:
        """The token that the forms of a page have."""
        found = parsed(self.get(page)).find(f".//{HTML}input[@name='{FIELD}']")
        assert found is not None
        return found.attrib["value"]


def parsed(response: Response) -> Element:
    """The document of a page, whose HTML must be without an error."""
    document: Element = html5lib.HTMLParser(strict=True).parse(response.text)
    return document


def hidden_fields(response: Response, action: str) -> dict[str, str]:
    """What the form of a page, by the end of its address, sends beside what is chosen in it."""
    forms = [form for form in parsed(response).iter(f"{HTML}form") if form.attrib["action"].endswith(action)]
    assert len(forms) == 1, f"{len(forms)} forms are sent to {action}"
    inputs = forms[0].iter(f"{HTML}input")
    return {each.attrib["name"]: each.attrib["value"] for each in inputs if each.get("type") == "hidden"}


def text_of(response: Response) -> str:
    """What a page says, with single spaces."""
    return " ".join("".join(parsed(response).itertext()).split())


def title_of(response: Response) -> str:
    found = parsed(response).find(f".//{HTML}title")
    assert found is not None
    return found.text or ""
