"""Assembly of the people API."""

import gc
import os
import sys
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workspace_operator.application.health.probes import ENDPOINT_OPTION as PROBES_OPTION
from workspace_operator.application.health.probes import ProbeHandlers, combined_probes, parse_endpoint
from workspace_operator.bootstrap.keys import load_root_key
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.bootstrap.stores import open_store_lazily
from workspace_operator.bootstrap.workers import monitor_writes, store_probes
from workspace_operator.sending.keys import RootKey
from workspace_operator.settings import APISettings, ConsoleSettings
from workspace_operator.store.engine.clocks import utc_now

if TYPE_CHECKING:  # importing a server takes 20 MB, which only the API needs
    from starlette.types import ASGIApp

    from workspace_operator.application.cleanups.decision_batches import DraftDecisions, Outcome
    from workspace_operator.application.cleanups.recent_calls import RecentCalls
    from workspace_operator.application.people.command_batcher import Batcher, CommandBatcher
    from workspace_operator.http_server.server import Server
    from workspace_operator.web.core.dependencies import Sending
    from workspace_operator.web.core.limits import Limits
    from workspace_operator.web.observability.metrics import PrometheusMetrics


PARSING_PROCESSES = 2
"""Processes that parse Liquid; they start with the first message that has some."""

NEW_OBJECTS = 20_000
"""Number of new container objects after which Python searches for unreachable cycles: those of a few batches."""


def make_server(settings: APISettings | ConsoleSettings, *, purpose: str = "the people API") -> "Server":
    """Create a server that listens already. Raises InvalidInput for an invalid address or certificate.

    ``purpose`` is for the log.
    """
    from workspace_operator.http_server.server import Server, bind_sockets, tls_context

    tls, name = tls_context(settings.certificate, settings.key), purpose.rpartition(" ")[2].lower()
    if settings.health_endpoint is None:
        return Server(sockets=bind_sockets(settings.host, settings.port, purpose=purpose), tls=tls, name=name)
    endpoint = parse_endpoint(settings.health_endpoint)
    return Server(
        probe_sockets=bind_sockets(endpoint.host, endpoint.port, purpose="probes", option=PROBES_OPTION),
        liveness_path=endpoint.liveness_path,
        sockets=bind_sockets(settings.host, settings.port, purpose=purpose),
        tls=tls,
        name=name,
    )


def run_api(url: str, settings: APISettings, stopping: threading.Event) -> None:
    """Serve the people API until ``stopping`` is set, in one or more processes. Raises InvalidInput."""
    from workspace_operator.http_server.prefork import Supervisor, multiprocess_metrics

    with open_store_lazily(url) as store:  # an invalid URL is reported before processes are started
        server = make_server(settings)
        if settings.processes == 1:
            serve_api(store, settings, server, stopping)
            return

    def serve(stopping: threading.Event) -> None:
        with open_store_lazily(url) as store:
            serve_api(store, settings, server, stopping)

    with multiprocess_metrics() as drop_gauges:
        sockets = [*server.sockets, *server.probe_sockets]
        Supervisor(serve=serve, processes=settings.processes, sockets=sockets, on_exit=drop_gauges).run(stopping)


def serve_api(store: Repositories, settings: APISettings, server: "Server", stopping: threading.Event) -> None:
    """Serve the people API in this process until ``stopping`` is set."""
    api = make_api(store, settings)
    _collect_less_garbage()
    if settings.health_endpoint is None:
        server.serve(api.app, stopping)
        return
    with monitor_writes(store) as monitor:
        of_store = store_probes(store, monitor, is_shared=settings.processes > 1)
        server.serve(api.app, stopping, combined_probes(api.probes, of_store))


def _collect_less_garbage() -> None:
    """Exclude the objects made so far, which live as long as the process, and collect less often than by default.

    Searching for cycles took a quarter of the processor time of a v2 batch, and requests leave few cycles.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class API:
    """The people API of one process: the application and its probes."""

    app: "ASGIApp"
    probes: ProbeHandlers


def make_api(store: Repositories, settings: APISettings, limits: "Limits | None" = None) -> API:
    """Create the people API. It writes its access log to standard output, one line of JSON per request."""
    from workspace_operator.application.cleanups.recent_calls import RecentCalls
    from workspace_operator.application.imports.preparation import ImportPreparation
    from workspace_operator.http_server.access_log import AccessLog
    from workspace_operator.web.app import make_app
    from workspace_operator.web.core.dependencies import Dependencies
    from workspace_operator.web.core.limits import Limits

    metrics, recent_calls = _metrics(), RecentCalls(listed_calls=store.listed_calls)
    batcher = make_command_batcher(store, metrics, recent_calls)
    app = make_app(
        Dependencies(
            people=store.people,
            person_records=store.person_records,
            exports=store.exports,
            migrations=store.migrations,
            cleanups=store.cleanups,
            cleanup_rules=store.cleanup_rules,
            undo_previews=store.undo_previews,
            import_preparation=ImportPreparation(imports=store.imports, people=store.people, clock=store.clock),
            listings=store.listings,
            listed_calls=store.listed_calls,
            audit_log=store.audit_log,
            workspaces=store.workspaces,
            credentials=store.credentials,
            batcher=batcher,
            decisions=make_decisions(store),
            recent_calls=recent_calls,
            sending=make_sending(store, load_root_key(settings.root_key_file, store.file)),
            clock=store.clock,
            metrics=metrics,
            access_log=AccessLog(stream=sys.stdout, clock=utc_now),
            limits=limits or Limits(),
            public_url=settings.public_url.rstrip("/"),
        )
    )
    return API(app=app, probes=ProbeHandlers(is_ready=lambda: not batcher.is_overdue(), metrics=metrics.text))


def _metrics() -> "PrometheusMetrics":
    """The metrics of this process, in the folder of all processes if there are several."""
    from workspace_operator.http_server.prefork import MULTIPROCESS_DIR_VARIABLE
    from workspace_operator.web.observability.metrics import PrometheusMetrics

    folder = os.environ.get(MULTIPROCESS_DIR_VARIABLE)
    return PrometheusMetrics(Path(folder) if folder else None)


def make_command_batcher(
    store: Repositories, metrics: "PrometheusMetrics", recent_calls: "RecentCalls"
) -> "CommandBatcher":
    """What executes the commands about people."""
    from workspace_operator.application.people.command_batcher import CommandBatcher
    from workspace_operator.application.people.command_execution import execute_commands

    return CommandBatcher(
        execute=partial(execute_commands, store.people, record_calls=recent_calls.add),
        clock=store.clock.timestamp,
        on_batch=metrics.observe_batch,
        on_unknown=metrics.count_unknown,
    )


def make_decisions(store: Repositories) -> "Batcher[DraftDecisions, Outcome]":
    """What makes decisions of cleanups."""
    from workspace_operator.application.cleanups.decision_batches import DecideTogether
    from workspace_operator.application.people.command_batcher import Batcher
    from workspace_operator.web.core.dependencies import DECISION_LIMITS

    decide = DecideTogether(cleanups=store.cleanups, clock=store.clock)
    return Batcher(execute=decide, clock=store.clock.timestamp, limits=DECISION_LIMITS)


def make_sending(store: Repositories, root_key: RootKey | None) -> "Sending":
    """What the API needs to accept messages and to count what recipients do; without a key it accepts none."""
    from workspace_operator.application.people.command_batcher import Batcher
    from workspace_operator.application.sending.acceptance import AcceptMessages
    from workspace_operator.application.sending.tracking import RecordAccesses
    from workspace_operator.rendering.processes import LiquidParser, RenderProcesses
    from workspace_operator.web.core.dependencies import ACCEPTANCE_LIMITS, TRACKING_LIMITS, Sending

    clock, processes = store.clock.timestamp, RenderProcesses(None, processes=PARSING_PROCESSES)
    accept = AcceptMessages(deliveries=store.deliveries, templates=store.templates, clock=store.clock)
    return Sending(
        deliveries=store.deliveries,
        templates=store.templates,
        address_blocks=store.address_blocks,
        counters=store.message_counters,
        template_parser=LiquidParser(processes),
        batcher=Batcher(execute=accept, clock=clock, limits=ACCEPTANCE_LIMITS),
        tracker=Batcher(execute=RecordAccesses(deliveries=store.deliveries), clock=clock, limits=TRACKING_LIMITS),
        stored_key=root_key,
        close=processes.close,
    )
