"""Assembly of the web console."""

import sys
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workspace_operator.application.cleanups.decisions import DecisionMaker
from workspace_operator.application.cleanups.lists import CleanupLists
from workspace_operator.application.health.probes import ProbeHandlers, combined_probes
from workspace_operator.application.overviews.people_counts import PeopleCounter
from workspace_operator.application.overviews.summaries import SummaryReader
from workspace_operator.application.overviews.viewers import WorkspaceReader
from workspace_operator.application.sessions.links import SignInLinks
from workspace_operator.application.sessions.sessions import SessionReader
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.bootstrap.servers import make_server
from workspace_operator.bootstrap.stores import open_store_lazily
from workspace_operator.bootstrap.workers import monitor_writes, store_probes
from workspace_operator.errors import InvalidInput
from workspace_operator.settings import ConsoleSettings
from workspace_operator.store.engine.clocks import utc_now

if TYPE_CHECKING:  # importing a server and templates takes memory, which only the console needs
    from starlette.types import ASGIApp

    from workspace_operator.http_server.access_records import AccessRecord
    from workspace_operator.http_server.server import Server

PURPOSE = "the console"


def make_console_server(settings: ConsoleSettings) -> "Server":
    """Create the server of the console, which listens already. Raises InvalidInput."""
    checked_console_url(settings.console_url)
    _trusted_networks(settings)
    return make_server(settings, purpose=PURPOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The console of one process: the application and its probes."""

    app: "ASGIApp"
    probes: ProbeHandlers


def make_console(store: Repositories, settings: ConsoleSettings) -> Console:
    """Create the console. It writes its access log to standard output, one line of JSON per request."""
    from workspace_operator.console.core.metrics import ConsoleMetrics
    from workspace_operator.http_server.access_log import AccessLog

    metrics, log = ConsoleMetrics(), AccessLog(stream=sys.stdout, clock=utc_now)

    def record_request(record: "AccessRecord") -> None:
        metrics.count_request(record)
        log(record)

    probes = ProbeHandlers(is_ready=lambda: True, metrics=metrics.text)
    return Console(app=_make_app(store, settings, record_request), probes=probes)


def _make_app(
    store: Repositories, settings: ConsoleSettings, record_request: Callable[["AccessRecord"], None]
) -> "ASGIApp":
    from workspace_operator.console import app
    from workspace_operator.console.core.dependencies import Dependencies

    people = PeopleCounter(count=store.people.count, clock=store.clock)
    lists = CleanupLists(
        migrations=store.migrations,
        cleanups=store.cleanups,
        listings=store.listings,
        listed_calls=store.listed_calls,
        people=store.people,
        clock=store.clock,
    )
    return app.make_console(
        Dependencies(
            sessions=SessionReader(sessions=store.sessions, clock=store.clock),
            links=SignInLinks(sessions=store.sessions, audit_log=store.audit_log, clock=store.clock),
            workspaces=WorkspaceReader(workspaces=store.workspaces, accounts=store.accounts),
            summaries=_summaries(store, people),
            cleanup_lists=lists,
            decision_maker=DecisionMaker(cleanups=store.cleanups, lists=lists, clock=store.clock),
            cleanups=store.cleanups,
            person_records=store.person_records,
            audit_log=store.audit_log,
            access_log=record_request,
            console_url=checked_console_url(settings.console_url),
            trusted_proxies=_trusted_networks(settings),
            undo_period=settings.undo,
            close=people.close,
        )
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
