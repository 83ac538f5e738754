"""Assembly of the web console."""

import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workspace_operator.application.accounts.access import AccessReader
from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.audit.downloads import Downloads
from workspace_operator.application.cleanups.blocking import BlockingPeople
from workspace_operator.application.cleanups.decisions import DecisionMaker
from workspace_operator.application.cleanups.lists import CleanupLists
from workspace_operator.application.cleanups.rules import RuleMaker
from workspace_operator.application.health.probes import ProbeHandlers, combined_probes
from workspace_operator.application.imports.preparation import ImportPreparation
from workspace_operator.application.manifests.settings_changes import SettingsPlanner
from workspace_operator.application.overviews.members import MemberReader
from workspace_operator.application.overviews.people_counts import PeopleCounter
from workspace_operator.application.overviews.summaries import SummaryReader
from workspace_operator.application.overviews.viewers import WorkspaceReader
from workspace_operator.application.ports import IdentityProvider
from workspace_operator.application.profiles.actions import PersonActions
from workspace_operator.application.profiles.profiles import ProfileReader
from workspace_operator.application.sessions.company_sign_in import CompanySignIn
from workspace_operator.application.sessions.links import SignInLinks
from workspace_operator.application.sessions.sessions import SessionReader
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.bootstrap.servers import make_server
from workspace_operator.bootstrap.stores import open_store_lazily
from workspace_operator.bootstrap.workers import monitor_writes, store_probes
from workspace_operator.errors import InvalidInput
from workspace_operator.settings import ConsoleSettings, OIDCSettings
from workspace_operator.store.engine.clocks import utc_now

if TYPE_CHECKING:  # importing a server and templates takes memory, which only the console needs
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from workspace_operator.console.core.dependencies import Dependencies
    from workspace_operator.http_server.access_records import AccessRecord
    from workspace_operator.http_server.server import Server

PURPOSE = "the console"

READ_SECONDS = 2
"""Time limit of a statement that a page reads by: a page that would scan a table is ended instead."""


OIDC_PACKAGES = frozenset({"joserfc", "cryptography"})
"""What the extra ``oidc`` installs."""


def make_console_server(settings: ConsoleSettings) -> "Server":
    """Create the server of the console, which listens already. Raises InvalidInput."""
    checked_console_url(settings.console_url)
    _trusted_networks(settings)
    if settings.oidc is not None:
        _identity_provider(settings.oidc)  # what is wrong with it is said before anything is served
    return make_server(settings, purpose=PURPOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The console of one process: the application and its probes."""

    app: "ASGIApp"
    probes: ProbeHandlers


def make_console(store: Repositories, settings: ConsoleSettings) -> Console:
    """Create the console. It writes its access log to standard output, one line of JSON per request."""
    from workspace_operator.console import app
    from workspace_operator.console.core.metrics import ConsoleMetrics
    from workspace_operator.http_server.access_log import AccessLog

    metrics, access_log = ConsoleMetrics(), AccessLog(stream=sys.stdout, clock=utc_now)

    def record(request: "AccessRecord") -> None:
        metrics.count_request(request)
        access_log(request)

    made = app.make_console(_dependencies(store, settings, record))
    return Console(app=made, probes=ProbeHandlers(is_ready=lambda: True, metrics=metrics.text))


def _dependencies(
    store: Repositories, settings: ConsoleSettings, access_log: "Callable[[AccessRecord], None]"
) -> "Dependencies":
    from workspace_operator.console.core.dependencies import Dependencies

    people, lists = PeopleCounter(count=store.people.count, clock=store.clock), _cleanup_lists(store)
    return Dependencies(
        sessions=SessionReader(sessions=store.sessions, clock=store.clock),
        links=SignInLinks(sessions=store.sessions, audit_log=store.audit_log, clock=store.clock),
        workspaces=WorkspaceReader(workspaces=store.workspaces, accounts=store.accounts),
        summaries=_summaries(store, people),
        cleanup_lists=lists,
        decision_maker=DecisionMaker(cleanups=store.cleanups, lists=lists, clock=store.clock),
        cleanups=store.cleanups,
        cleanup_rules=store.cleanup_rules,
        rule_maker=RuleMaker(rules=store.cleanup_rules, cleanups=store.cleanups, clock=store.clock),
        undo_previews=store.undo_previews,
        import_preparation=ImportPreparation(imports=store.imports, people=store.people, clock=store.clock),
        person_records=store.person_records,
        profiles=_profiles(store),
        person_actions=PersonActions(people=store.people, merges=store.merges, clock=store.clock),
        members=_members(store),
        company_sign_in=_company_sign_in(store, settings),
        settings_planner=SettingsPlanner(previews=store.previews, clock=store.clock),
        segments=store.segments,
        exports=store.exports,
        downloads=_downloads(store),
        deliveries=store.deliveries,
        templates=store.templates,
        usage=UsageReader(people=store.people, counters=store.message_counters),
        audit_log=store.audit_log,
        access_log=access_log,
        console_url=checked_console_url(settings.console_url),
        trusted_proxies=_trusted_networks(settings),
        undo_period=settings.undo,
        limiting_reads=partial(store.limiting_reads, READ_SECONDS),
        sharing_reads=store.sharing_reads,
        close=people.close,
    )


def _cleanup_lists(store: Repositories) -> CleanupLists:
    return CleanupLists(
        migrations=store.migrations,
        cleanups=store.cleanups,
        listings=store.listings,
        listed_calls=store.listed_calls,
        people=store.people,
        clock=store.clock,
    )


def _summaries(store: Repositories, people: PeopleCounter) -> SummaryReader:
    return SummaryReader(
        workspaces=store.workspaces,
        accounts=store.accounts,
        migrations=store.migrations,
        credentials=store.credentials,
        heartbeats=store.heartbeats,
        people=people,
        clock=store.clock,
    )


def _downloads(store: Repositories) -> Downloads:
    return Downloads(
        people=store.people,
        person_records=store.person_records,
        segments=store.segments,
        exports=store.exports,
        cleanups=store.cleanups,
        audit_log=store.audit_log,
        clock=store.clock,
    )


def _profiles(store: Repositories) -> ProfileReader:
    return ProfileReader(
        people=store.people,
        person_records=store.person_records,
        segments=store.segments,
        merges=store.merges,
        cleanups=store.cleanups,
        deliveries=store.deliveries,
        blocking=BlockingPeople(migrations=store.migrations, listings=store.listings),
    )


def run_console(url: str, settings: ConsoleSettings, stopping: threading.Event) -> None:
    """Serve the console until ``stopping`` is set. Raises InvalidInput."""
    with open_store_lazily(url) as store:
        server = make_console_server(settings)
        console = make_console(store, settings)
        if settings.health_endpoint is None:
            server.serve(console.app, stopping)
            return
        with monitor_writes(store) as monitor:
            server.serve(console.app, stopping, combined_probes(console.probes, store_probes(store, monitor)))


def _members(store: Repositories) -> MemberReader:
    return MemberReader(accounts=store.accounts, sessions=store.sessions, pins=store.sign_in_pins, clock=store.clock)


def _company_sign_in(store: Repositories, settings: ConsoleSettings) -> CompanySignIn | None:
    """The sign-in with a company account; None without an identity provider. Raises InvalidInput."""
    from workspace_operator.console.pages.company_sign_in import CALLBACK_PATH

    if settings.oidc is None:
        return None
    return CompanySignIn(
        provider=_identity_provider(settings.oidc),
        access=AccessReader(accounts=store.accounts),
        sessions=store.sessions,
        pins=store.sign_in_pins,
        audit_log=store.audit_log,
        clock=store.clock,
        console_url=settings.console_url.rstrip("/"),
        callback_path=CALLBACK_PATH,
    )


def _identity_provider(settings: OIDCSettings) -> IdentityProvider:
    """The identity provider of settings. Raises InvalidInput."""
    try:
        from workspace_operator.identity_provider.provider import OIDCProvider
    except ModuleNotFoundError as error:
        if error.name not in OIDC_PACKAGES:
            raise
        message = "--oidc-issuer needs packages that are not installed: pip install 'workspace-operator[oidc]'"
        raise InvalidInput(message, field="--oidc-issuer") from None
    from workspace_operator.identity_provider.settings import ProviderSettings

    try:
        secret = settings.client_secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"--oidc-client-secret-file {settings.client_secret_file}: {error}"
        raise InvalidInput(message, field="--oidc-client-secret-file") from error
    return OIDCProvider.of(
        ProviderSettings(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret=secret,
            trusts_email=settings.trusts_email,
        )
    )


def checked_console_url(url: str) -> str:
    """The URL of the console without a slash at its end; empty for none. Raises InvalidInput if it is no origin."""
    try:
        parts = urlsplit(url)
        has_origin = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
        is_origin = has_origin and parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        is_origin = False
    if url and not is_origin:
        message = f"--console-url {url!r} must be https://HOST, with a port if it is not 443"
        raise InvalidInput(message, field="--console-url")
    return url.rstrip("/")


def _trusted_networks(settings: ConsoleSettings) -> Collection[IPv4Network | IPv6Network]:
    """The trusted proxies as networks; one address is a network, too. Raises InvalidInput."""
    networks: list[IPv4Network | IPv6Network] = []
    for proxy in sorted(settings.trusted_proxies):
        try:
            networks.append(ip_network(proxy))
        except ValueError as error:
            message = f"--trusted-proxy {proxy!r} must be an IP address or a network, such as 10.0.0.7 or 10.244.0.0/16"
            raise InvalidInput(f"{message}: {error}", field="--trusted-proxy") from None
    return tuple(networks)
