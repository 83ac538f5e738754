"""The one place that builds concrete things and puts them together."""

import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from workspace_operator.application.controller import Controller, Document, RateLimiter, key_of
from workspace_operator.application.forgetting import Forgetter
from workspace_operator.application.gauging import MigrationGauges
from workspace_operator.application.heartbeats import Heart, HeartbeatMonitor
from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.application.orphan_log import OrphanLog
from workspace_operator.application.orphans import ClusterNames
from workspace_operator.application.planning import NothingYet
from workspace_operator.application.ports import (
    Belongings,
    Clock,
    Credentials,
    Exports,
    Heartbeats,
    Merges,
    Migrations,
    Ownership,
    People,
    Previews,
    Resources,
    Secrets,
    Segments,
    Workspaces,
    WritePath,
)
from workspace_operator.application.probes import OPTION as PROBES_OPTION
from workspace_operator.application.probes import Probes, endpoint_of, together
from workspace_operator.application.reconciling import Reconciler
from workspace_operator.application.write_monitor import WriteMonitor
from workspace_operator.settings import APISettings, OperatorSettings
from workspace_operator.store.belongings import SQLBelongings
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.clocks import DatabaseClock
from workspace_operator.store.credentials import SQLCredentials
from workspace_operator.store.engines import Database
from workspace_operator.store.heartbeats import SQLHeartbeats
from workspace_operator.store.merging import SQLMerges
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.store.ownership import SQLOwnership
from workspace_operator.store.people import SQLPeople
from workspace_operator.store.previewing import SQLPreviews
from workspace_operator.store.segments import SQLSegments
from workspace_operator.store.sqlite_files import make_file
from workspace_operator.store.upgrades import has_this_schema, no_database, refuse_unmade, upgrade, upgrade_existing
from workspace_operator.store.violating import SQLExports
from workspace_operator.store.workspaces import SQLWorkspaces
from workspace_operator.store.write_path import SQLWritePath
from workspace_operator.worker.loop import WorkerLoop

if TYPE_CHECKING:  # a server is 20 MB that only the API needs
    from starlette.types import ASGIApp

    from workspace_operator.web.serving import Server

MONITOR_END_SECONDS = 2.0
"""For a check under way, before its connections are closed."""

logger = logging.getLogger(__name__)

BUSY_CACHE_MEGABYTES = 32
"""For one command with one connection: an import of a million people is a seventh faster with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The ports of one database."""

    name: str
    workspaces: Workspaces
    heartbeats: Heartbeats
    ownership: Ownership
    people: People
    belongings: Belongings
    segments: Segments
    merges: Merges
    migrations: Migrations
    exports: Exports
    credentials: Credentials
    clock: Clock
    write_path: WritePath


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """Open a database, brought to this version's schema. Raises InvalidInput or StoreUnavailable."""
    with awaited(url, cache_megabytes=BUSY_CACHE_MEGABYTES) as store:
        store.workspaces.list()
        yield store


@contextmanager
def existing(url: str) -> Iterator[Store]:
    """The same, but the database must be there: no file, folder or table is made. Raises InvalidInput besides."""
    database = _existing_database(url)
    try:
        store = _store(database)
        store.workspaces.list()
        yield store
    finally:
        database.close()


@contextmanager
def awaited(url: str, *, cache_megabytes: int = 4) -> Iterator[Store]:
    """Open a database that may be away: it is brought to this version's schema when it first answers."""
    database = _database(url, cache_megabytes)
    try:
        yield _store(database)
    finally:
        database.close()


@contextmanager
def looked_into(url: str) -> Iterator[Previews]:
    """Open a database to look ahead: nothing in it is changed, and none is made where there is none yet.

    Raises InvalidInput, also for the schema of another version, or StoreUnavailable.
    """
    database = Database(url, cache_megabytes=BUSY_CACHE_MEGABYTES, read_only=True)
    try:
        is_missing = database.is_sqlite and not Path(str(database.url.database)).exists()
        yield NothingYet() if is_missing or not has_this_schema(database) else SQLPreviews(database)
    finally:
        database.close()


def migration_worker(store: Store, stopping: threading.Event) -> MigrationWorker:
    """A worker that no other one of any process is mistaken for."""
    name = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    return MigrationWorker(migrations=store.migrations, worker=name, clock=store.clock, stopping=stopping.is_set)


def worker_loop(store: Store, stopping: threading.Event, *, keep_activities: timedelta) -> WorkerLoop:
    """The worker, running until told to stop."""
    forgetter = Forgetter(belongings=store.belongings, keep=keep_activities, clock=store.clock)
    return WorkerLoop(duties=(migration_worker(store, stopping), forgetter), stopping=stopping)


def run_worker(
    store: Store, stopping: threading.Event, *, keep_activities: timedelta, health_endpoint: str | None = None
) -> None:
    """Run the worker until told to stop, with probes if an endpoint is given. Raises InvalidInput for that."""
    loop = worker_loop(store, stopping, keep_activities=keep_activities)
    if health_endpoint is None:
        loop.run()
        return
    from workspace_operator.handlers import health

    endpoint = endpoint_of(health_endpoint)
    with monitored(store) as monitor:
        own = Probes(is_ready=loop.well.is_set, metrics=bytes)
        health.work_and_serve(loop.run, endpoint, together(own, store_probes(store, monitor)))


@contextmanager
def monitored(store: Store) -> Iterator[WriteMonitor]:
    """Check the store's write path meanwhile, in a thread that keeps no process from its end."""
    monitor, stopping = WriteMonitor(write_path=store.write_path), threading.Event()
    thread = threading.Thread(target=monitor.run, args=(stopping,), name="write-monitor", daemon=True)
    thread.start()
    try:
        yield monitor
    finally:
        stopping.set()
        thread.join(MONITOR_END_SECONDS)


def store_probes(store: Store, monitor: WriteMonitor) -> Probes:
    """What every process with probes tells of its store."""
    return Probes(is_ready=monitor.is_writable, metrics=MigrationGauges(migrations=store.migrations).text)


def reconciler(
    store: Store,
    resources: Resources,
    cluster_id: str,
    *,
    secrets_of_cluster: Secrets | None = None,
    newest: Callable[[Document], Document] = lambda document: document,
    monitor: HeartbeatMonitor | None = None,
) -> Reconciler:
    """What reconciles one resource, of a cluster or of manifests.

    Without a cluster no credentials are made, and a document is always the newest: a manifest does not change while
    it is applied.
    """
    return Reconciler(
        workspaces=store.workspaces,
        resources=resources,
        credentials=store.credentials,
        secrets=secrets_of_cluster,
        newest=newest,
        count_people=store.people.count,
        cluster_id=cluster_id,
        clock=store.clock,
        random=secrets.token_bytes,
        monitor=monitor,
    )


def cluster_names(kubeconfig: Path | None, context: str | None) -> ClusterNames:
    """Ask a cluster for its Workspace resources. Raises InvalidInput, ClusterUnavailable or ClusterRefused."""
    from workspace_operator.cluster import access
    from workspace_operator.cluster.resources import ClusterResources

    api = access.load_client(kubeconfig, context)
    cluster_id = access.cluster_id(api)
    return ClusterNames(cluster_id=cluster_id, names=ClusterResources(api, cluster_id).names())


def run_operator(store: Store, settings: OperatorSettings, stopping: threading.Event, *beside: Probes) -> None:
    """Attend to the Workspace resources of a cluster until told to stop. Raises InvalidInput for the kubeconfig."""
    # Kopf and the Kubernetes client are 50 MB and half a second that no other command needs.
    from workspace_operator.cluster import access
    from workspace_operator.cluster.resources import ClusterResources
    from workspace_operator.cluster.secrets import ClusterSecrets
    from workspace_operator.handlers import operator

    endpoint = None if settings.health_endpoint is None else endpoint_of(settings.health_endpoint)
    api = access.load_client(settings.kubeconfig, settings.context)
    cluster_id = access.awaited_cluster_id(api, stopping.wait)
    if cluster_id is None:
        return
    logger.info(
        "operator of workspacectl %s: database %s, cluster %s, namespaces %s",
        version("workspace-operator"),
        store.name,
        cluster_id,
        ", ".join(settings.namespaces) or "all",
    )
    resources = ClusterResources(api, cluster_id)
    monitor = HeartbeatMonitor(monotonic=time.monotonic, silent_after=settings.cluster_silent_after)
    controller = Controller(
        reconciler=reconciler(
            store,
            resources,
            cluster_id,
            secrets_of_cluster=ClusterSecrets(api),
            newest=lambda document: resources.get(*key_of(document)),
            monitor=monitor,
        ),
        workspaces=store.workspaces,
        read=resources.get,
        monotonic=time.monotonic,
        rate_limiter=RateLimiter(resync=settings.resync),
    )
    options = operator.OperatorOptions(
        access=lambda: access.access_of(api),
        probes=together(*beside),
        namespaces=settings.namespaces,
        health=endpoint,
    )
    heart = Heart(heartbeats=store.heartbeats, monitor=monitor, cluster_id=cluster_id, clock=store.clock)
    orphans = OrphanLog(
        workspaces=store.workspaces,
        known=controller.keys,
        is_released=resources.is_released,
        count_people=store.people.count,
        cluster_id=cluster_id,
        namespaces=settings.namespaces,
    )
    with _beside(heart.run, orphans.run):
        operator.run_operator(controller, options, stopping)


@contextmanager
def _beside(*jobs: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run jobs meanwhile, each in a thread that a database which is away holds up alone."""
    stopping = threading.Event()
    threads = [threading.Thread(target=job, args=(stopping,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(timeout=5)


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


def utc_now() -> datetime:
    """This machine's time; what machines compare goes by the database's clock, `Store.clock`."""
    return datetime.now(UTC)


def _database(url: str, cache_megabytes: int) -> Database:
    database = Database(url, prepare=upgrade, cache_megabytes=cache_megabytes)
    if database.is_sqlite:
        make_file(Path(str(database.url.database)))
    return database


def _existing_database(url: str) -> Database:
    database = Database(url, prepare=upgrade_existing, cache_megabytes=BUSY_CACHE_MEGABYTES)
    if database.is_sqlite:
        file = Path(str(database.url.database))
        if not file.exists():
            raise no_database(file)
        looked_at = Database(url, read_only=True)  # to open a file of another program for writing changes it
        try:
            refuse_unmade(looked_at)
        finally:
            looked_at.close()
    return database


def _store(database: Database) -> Store:
    clock = DatabaseClock(database)
    new_id = CioIDs(clock.known_timestamp)
    return Store(
        name=database.name,
        workspaces=SQLWorkspaces(database),
        heartbeats=SQLHeartbeats(database),
        ownership=SQLOwnership(database),
        people=SQLPeople(database, new_cio_id=new_id),
        belongings=SQLBelongings(database),
        segments=SQLSegments(database),
        merges=SQLMerges(database, new_id=new_id),
        migrations=SQLMigrations(database),
        exports=SQLExports(database),
        credentials=SQLCredentials(database),
        clock=clock,
        write_path=SQLWritePath(database),
    )
