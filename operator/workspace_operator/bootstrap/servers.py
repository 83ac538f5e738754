"""The people API."""

import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workspace_operator.application.probes import OPTION as PROBES_OPTION
from workspace_operator.application.probes import Probes, endpoint_of, together
from workspace_operator.bootstrap.stores import Store, awaited
from workspace_operator.bootstrap.workers import monitored, store_probes
from workspace_operator.settings import APISettings
from workspace_operator.store.clocks import utc_now

if TYPE_CHECKING:  # a server is 20 MB that only the API needs
    from starlette.types import ASGIApp

    from workspace_operator.web.serving import Server


def api_server(settings: APISettings) -> "Server":
    """A server that listens already. Raises InvalidInput for an address or a certificate that is none."""
    from workspace_operator.web import serving

    tls = serving.tls_context(settings.certificate, settings.key)
    if settings.health_endpoint is None:
        return serving.Server(sockets=serving.listening(settings.host, settings.port), tls=tls)
    endpoint = endpoint_of(settings.health_endpoint)
    return serving.Server(
        probe_sockets=serving.listening(endpoint.host, endpoint.port, what="probes", option=PROBES_OPTION),
        alive_path=endpoint.alive_path,
        sockets=serving.listening(settings.host, settings.port),
        tls=tls,
    )


def run_api(url: str, settings: APISettings, stopping: threading.Event) -> None:
    """Serve the people API until told to stop, from one process or several. Raises InvalidInput as `api_server`."""
    from workspace_operator.web.supervising import Supervisor, shared_counts

    with awaited(url) as store:  # what is wrong with the URL is told before processes are started for it
        server = api_server(settings)
        if settings.processes == 1:
            serve_api(store, settings, server, stopping)
            return

    def serve(stopping: threading.Event) -> None:
        with awaited(url) as store:
            serve_api(store, settings, server, stopping)

    with shared_counts() as forget:
        sockets = [*server.sockets, *server.probe_sockets]
        Supervisor(serve=serve, processes=settings.processes, sockets=sockets, gone=forget).run(stopping)


def serve_api(store: Store, settings: APISettings, server: "Server", stopping: threading.Event) -> None:
    """Serve the people API in this process until told to stop."""
    made = api(store, settings)
    if settings.health_endpoint is None:
        server.serve(made.app, stopping)
        return
    with monitored(store) as monitor:
        server.serve(made.app, stopping, together(made.probes, store_probes(store, monitor)))


@dataclass(frozen=True, slots=True, kw_only=True)
class API:
    """The people API of one process: the application, and what probes of it answer."""

    app: "ASGIApp"
    probes: Probes


def api(store: Store, settings: APISettings) -> API:
    """The people API on a store. What it has served goes to standard output, a line of JSON a request."""
    from workspace_operator.application.calling import Calling
    from workspace_operator.web.access_log import AccessLog
    from workspace_operator.web.app import make_app
    from workspace_operator.web.metrics import PrometheusMetrics
    from workspace_operator.web.services import FOLDER_VARIABLE, Services

    folder = os.environ.get(FOLDER_VARIABLE)
    metrics = PrometheusMetrics(Path(folder) if folder else None)
    calling = Calling(
        people=store.people, clock=store.clock.timestamp, watch=metrics.transaction, watch_unknown=metrics.unknown
    )
    app = make_app(
        Services(
            people=store.people,
            belongings=store.belongings,
            exports=store.exports,
            workspaces=store.workspaces,
            credentials=store.credentials,
            calling=calling,
            clock=store.clock,
            metrics=metrics,
            log=AccessLog(stream=sys.stdout, clock=utc_now),
            public_url=settings.public_url.rstrip("/"),
        )
    )
    return API(app=app, probes=Probes(is_ready=lambda: not calling.is_overdue(), metrics=metrics.text))
