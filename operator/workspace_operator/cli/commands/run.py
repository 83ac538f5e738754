"""``workspacectl run``: run the operator, the people API and the worker, in one process or separately."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from workspace_operator import bootstrap
from workspace_operator.cli.support.options import Database, input_file_option
from workspace_operator.settings import (
    API_OFF,
    DEFAULT_API_ADDRESS,
    DEFAULT_API_HOST,
    DEFAULT_API_PORT,
    APISettings,
    OperatorSettings,
    RetentionSettings,
    SenderSettings,
)

DEFAULT_ACTIVITIES_DAYS = 30

app = typer.Typer(
    name="run",
    help="Run the operator, the people API, the worker and the sender in one process, or one of them alone.",
    short_help="Run the operator, the people API, the worker and the sender.",
)

Kubeconfig = Annotated[
    Path | None,
    input_file_option("--kubeconfig", "The kubeconfig. Default: as for kubectl; in a pod, its service account."),
]
KubeContext = Annotated[
    str | None,
    typer.Option("--context", metavar="NAME", help="The context of the kubeconfig. Default: the current context."),
]
Namespaces = Annotated[
    list[str] | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Watch only this namespace. Can be given several times."),
]
Resync = Annotated[
    float,
    typer.Option("--resync-seconds", min=1, help="Seconds between reconciles of all resources, plus or minus 20 %."),
]
ClusterSilentAfter = Annotated[
    float,
    typer.Option(
        "--cluster-silent-after",
        min=1,
        metavar="SECONDS",
        help="Seconds without a heartbeat after which the workspaces of another cluster count as orphans. Operators "
        "write a heartbeat every 10 s; use less than 30 only in tests.",
    ),
]
HealthEndpoint = Annotated[
    str | None,
    typer.Option(
        "--health-endpoint",
        metavar="URL",
        help="Serve liveness at this URL, such as http://0.0.0.0:8080/healthz, and readiness at /readyz and metrics at "
        "/metrics of the same port.",
    ),
]
ActivitiesDays = Annotated[
    int, typer.Option("--activities-days", min=1, max=36_500, metavar="N", help="How many days to keep activities.")
]
RootKeyFile = Annotated[
    Path | None,
    input_file_option(
        "--root-key-file",
        "The root key of the installation, 64 hexadecimal digits. It signs delivery ids and links. Default with "
        "SQLite: a file beside the database, created if missing. With PostgreSQL, nothing is sent without it.",
    ),
]
TransportsFile = Annotated[
    Path | None,
    input_file_option(
        "--transports",
        "The SMTP servers that workspaces can use (YAML). Default: the one of WORKSPACE_OPERATOR_SMTP, if it is set.",
    ),
]
LinkURL = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="External base URL of the API, for tracking and unsubscribe links. Without it, messages have none.",
    ),
]
TooLate = Annotated[
    float,
    typer.Option(
        "--too-late",
        min=0.01,
        max=24 * 365,
        metavar="HOURS",
        help="Do not send messages that are overdue by more than this.",
    ),
]
KeepContent = Annotated[
    int,
    typer.Option("--keep-content", min=1, max=36_500, metavar="DAYS", help="How long to keep the content of messages."),
]
KeepDeliveries = Annotated[
    int,
    typer.Option("--keep-deliveries", min=1, max=36_500, metavar="DAYS", help="How long to keep records of messages."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also log the messages of libraries.")]


APIAddress = Annotated[
    str,
    typer.Option(
        "--api-address", metavar="HOST:PORT", help=f"Serve the people API at this address, without TLS; or {API_OFF}."
    ),
]
Host = Annotated[
    str, typer.Option("--host", metavar="HOST", help="The address to listen at; 0.0.0.0 or :: for all addresses.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="The port to listen at; 0 for any free port.")]
TLSCertificate = Annotated[Path | None, input_file_option("--tls-cert", "Serve TLS with this certificate chain (PEM).")]
TLSKey = Annotated[Path | None, input_file_option("--tls-key", "The private key of the certificate (PEM).")]
Processes = Annotated[
    int,
    typer.Option(
        "--processes", min=1, max=256, help="Worker processes that share the port. Recommended: one per core."
    ),
]
PublicURL = Annotated[
    str | None,
    typer.Option(
        "--public-url", metavar="URL", help="External base URL, if the API is behind a proxy. Used in download links."
    ),
]


@app.callback(invoke_without_command=True)
def run_all(
    context: typer.Context,
    database: Database,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    namespace: Namespaces = None,
    resync: Resync = 600.0,
    cluster_silent_after: ClusterSilentAfter = 60.0,
    health: HealthEndpoint = None,
    api_address: APIAddress = DEFAULT_API_ADDRESS,
    public_url: PublicURL = None,
    activities_days: ActivitiesDays = DEFAULT_ACTIVITIES_DAYS,
    transports: TransportsFile = None,
    root_key_file: RootKeyFile = None,
    too_late: TooLate = 24.0,
    keep_content: KeepContent = 30,
    keep_deliveries: KeepDeliveries = 180,
    verbose: Verbose = False,
) -> None:
    """Run the operator, the people API, the worker and the sender in one process."""
    if context.invoked_subcommand is not None:
        return
    settings = _operator_settings(kubeconfig, kube_context, namespace, resync, cluster_silent_after, health)
    api_settings = None if api_address == API_OFF else _api_settings(api_address, public_url, root_key_file)
    retention = _retention(activities_days, keep_content, keep_deliveries)
    sending = _sender_settings(transports, root_key_file, public_url, too_late)
    with (
        _process_context(verbose) as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.monitor_writes(store) as monitor,
        bootstrap.open_sender(store, sending, stop_event) as sender,
    ):
        probes = [bootstrap.store_probes(store, monitor), sender.probes]
        jobs = [bootstrap.make_worker_loop(store, stop_event, retention).run, sender.run]
        if api_settings is not None:
            server, api = bootstrap.make_server(api_settings), bootstrap.make_api(store, api_settings)
            jobs.append(partial(server.serve, api.app, stop_event))
            probes += [api.probes, server.probes(stop_event)]
        with _run_threads(jobs, stop_event):
            bootstrap.run_operator(store, settings, stop_event, *probes)


@app.command("operator")
def operator(
    database: Database,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    namespace: Namespaces = None,
    resync: Resync = 600.0,
    cluster_silent_after: ClusterSilentAfter = 60.0,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
) -> None:
    """Run only the operator, which watches the cluster.

    The worker must run in another process, on the same database.
    """
    settings = _operator_settings(kubeconfig, kube_context, namespace, resync, cluster_silent_after, health)
    with (
        _process_context(verbose) as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.monitor_writes(store) as monitor,
    ):
        bootstrap.run_operator(store, settings, stop_event, bootstrap.store_probes(store, monitor))


@app.command("api")
def api(
    database: Database,
    host: Host = DEFAULT_API_HOST,
    port: Port = DEFAULT_API_PORT,
    tls_cert: TLSCertificate = None,
    tls_key: TLSKey = None,
    processes: Processes = 1,
    public_url: PublicURL = None,
    root_key_file: RootKeyFile = None,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
) -> None:
    """Run only the people API.

    All its state is in the database, so any number of instances can run on the same database.
    """
    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("TLS needs a certificate and its key: give both", param_hint="--tls-cert, --tls-key")
    settings = APISettings(
        host=host,
        port=port,
        certificate=tls_cert,
        key=tls_key,
        processes=processes,
        public_url=public_url or "",
        health_endpoint=health,
        root_key_file=root_key_file,
    )
    with _process_context(verbose) as stop_event:
        bootstrap.run_api(database, settings, stop_event)


@app.command("worker")
def worker(
    database: Database,
    activities_days: ActivitiesDays = DEFAULT_ACTIVITIES_DAYS,
    transports: TransportsFile = None,
    root_key_file: RootKeyFile = None,
    public_url: LinkURL = None,
    too_late: TooLate = 24.0,
    keep_content: KeepContent = 30,
    keep_deliveries: KeepDeliveries = 180,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
) -> None:
    """Run only the worker, which migrates identifiers and sends.

    It carries out identifier migrations, writes their exports and hands messages to SMTP servers. It also deletes
    old activities and messages. Several workers can run; only one at a time works on a migration, or on the messages
    of a workspace.
    """
    settings = _sender_settings(transports, root_key_file, public_url, too_late)
    retention = _retention(activities_days, keep_content, keep_deliveries)
    with (
        _process_context(verbose) as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.open_sender(store, settings, stop_event) as sender,
    ):
        loop = bootstrap.make_worker_loop(store, stop_event, retention)

        def work() -> None:
            with _run_threads([loop.run], stop_event):
                sender.run()

        bootstrap.run_with_probes(store, work, health, bootstrap.worker_probes(loop), sender.probes)


@app.command("sender")
def sender(
    database: Database,
    transports: TransportsFile = None,
    root_key_file: RootKeyFile = None,
    public_url: LinkURL = None,
    too_late: TooLate = 24.0,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
) -> None:
    """Run only the sender of messages.

    It hands them to SMTP servers. Several senders can run; only one at a time works on the messages of a workspace.
    """
    settings = _sender_settings(transports, root_key_file, public_url, too_late)
    with (
        _process_context(verbose) as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.open_sender(store, settings, stop_event) as sender,
    ):
        bootstrap.run_with_probes(store, sender.run, health, sender.probes)


def _retention(activities_days: int, content_days: int, deliveries_days: int) -> RetentionSettings:
    return RetentionSettings(
        activities=timedelta(days=activities_days),
        message_content=timedelta(days=content_days),
        deliveries=timedelta(days=deliveries_days),
    )


def _operator_settings(
    kubeconfig: Path | None,
    context: str | None,
    namespaces: Sequence[str] | None,
    resync: float,
    cluster_silent_after: float,
    health: str | None,
) -> OperatorSettings:
    return OperatorSettings(
        kubeconfig=kubeconfig,
        context=context,
        namespaces=tuple(namespaces or ()),
        resync=resync,
        cluster_silent_after=cluster_silent_after,
        health_endpoint=health,
    )


def _sender_settings(
    transports: Path | None, root_key_file: Path | None, public_url: str | None, too_late: float
) -> SenderSettings:
    return SenderSettings(
        transports_file=transports, root_key_file=root_key_file, public_url=public_url or "", too_late_hours=too_late
    )


def _api_settings(address: str, public_url: str | None, root_key_file: Path | None) -> APISettings:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit():
        message = f"{address!r} must be HOST:PORT, such as {DEFAULT_API_ADDRESS}, or {API_OFF}"
        raise typer.BadParameter(message, param_hint="--api-address")
    return APISettings(host=host.strip("[]"), port=int(port), public_url=public_url or "", root_key_file=root_key_file)


@contextmanager
def _process_context(verbose: bool) -> Iterator[threading.Event]:
    """Log to standard error; yields an event that SIGTERM and SIGINT set."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not verbose:
        for logger_name in ("kopf", "alembic", "aiohttp.access"):
            logging.getLogger(logger_name).setLevel(logging.WARNING)
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # clients that send invalid HTTP could fill the log
    stop_event = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop_event.set())
    yield stop_event


@contextmanager
def _run_threads(jobs: Sequence[Callable[[], None]], stop_event: threading.Event) -> Iterator[None]:
    """Run jobs in threads until the event is set. The end of one job stops all; its error is raised at the end."""
    with ThreadPoolExecutor(len(jobs)) as threads:
        futures = [threads.submit(job) for job in jobs]
        for future in futures:
            future.add_done_callback(lambda _: stop_event.set())
        try:
            yield
        finally:
            stop_event.set()
        for future in futures:
            future.result()
