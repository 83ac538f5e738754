"""``workspacectl run``: run the operator, the people API, the worker and the console, in one process or separately."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import typer

from workspace_operator import bootstrap
from workspace_operator.application.health.probes import ProbeHandlers
from workspace_operator.bootstrap import Repositories
from workspace_operator.cli.commands.console import run_console
from workspace_operator.cli.support.options import Database
from workspace_operator.cli.support.run.oidc import (
    OIDCClientID,
    OIDCClientSecretFile,
    OIDCIssuer,
    OIDCTrustEmail,
    oidc_settings,
)
from workspace_operator.cli.support.run.options import (
    ActivitiesDays,
    APIAddress,
    ClusterSilentAfter,
    ConsoleAddress,
    ConsoleURL,
    FirstWorkspaceAfter,
    HealthEndpoint,
    Host,
    KeepAudit,
    KeepContent,
    KeepDeliveries,
    Kubeconfig,
    KubeContext,
    LogForm,
    Namespaces,
    Port,
    Processes,
    PublicURL,
    Resync,
    RootKeyFile,
    TLSCertificate,
    TLSKey,
    TooLate,
    TransportsFile,
    TrustedProxies,
    UndoDays,
    Verbose,
    parse_address,
    refuse_half_of_tls,
)
from workspace_operator.cli.support.run.process import process_context, run_threads
from workspace_operator.settings import (
    API_OFF,
    DEFAULT_API_ADDRESS,
    DEFAULT_API_HOST,
    DEFAULT_API_PORT,
    DEFAULT_CONSOLE_ADDRESS,
    APISettings,
    ConsoleSettings,
    LogFormat,
    OperatorSettings,
    RetentionSettings,
    SenderSettings,
)

DEFAULT_ACTIVITIES_DAYS = 30

app = typer.Typer(
    name="run",
    help="Run the operator, the people API, the worker, the sender and the web console in one process, or one of them "
    "alone.",
    short_help="Run the operator, people API, worker, sender and console.",
)


@app.callback(invoke_without_command=True)
def run_all(
    context: typer.Context,
    database: Database,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    namespace: Namespaces = None,
    resync: Resync = 600.0,
    silent_after: ClusterSilentAfter = 60.0,
    first_after: FirstWorkspaceAfter = 120.0,
    health: HealthEndpoint = None,
    api_address: APIAddress = DEFAULT_API_ADDRESS,
    public_url: PublicURL = None,
    console_address: ConsoleAddress = DEFAULT_CONSOLE_ADDRESS,
    console_url: ConsoleURL = None,
    proxies: TrustedProxies = None,
    issuer: OIDCIssuer = None,
    client_id: OIDCClientID = None,
    secret: OIDCClientSecretFile = None,
    trust: OIDCTrustEmail = False,
    activities_days: ActivitiesDays = DEFAULT_ACTIVITIES_DAYS,
    transports: TransportsFile = None,
    root_key_file: RootKeyFile = None,
    too_late: TooLate = 24.0,
    keep_content: KeepContent = 30,
    keep_deliveries: KeepDeliveries = 180,
    keep_audit: KeepAudit = 400,
    undo_days: UndoDays = 30,
    verbose: Verbose = False,
    log_format: LogForm = LogFormat.TEXT,
) -> None:
    """Run the operator, the people API, the worker, the sender and the web console in one process."""
    if context.invoked_subcommand is not None:
        return
    parts = _Parts(
        operator=_operator_settings(kubeconfig, kube_context, namespace, (resync, silent_after, first_after), health),
        api=_api_settings(api_address, public_url, root_key_file),
        console=_console_settings(console_address, console_url, proxies, undo_days, issuer, client_id, secret, trust),
        retention=_retention(activities_days, keep_content, keep_deliveries, keep_audit, undo_days),
        sender=_sender_settings(transports, root_key_file, public_url, console_url, too_late),
    )
    _run_parts(parts, database, process_context(context, log_format, verbose=verbose))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The parts of one process; the API and the console can be off."""

    operator: OperatorSettings
    api: APISettings | None
    console: ConsoleSettings | None
    retention: RetentionSettings
    sender: SenderSettings


def _run_parts(parts: _Parts, database: str, process: AbstractContextManager[threading.Event]) -> None:
    with (
        process as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.monitor_writes(store) as monitor,
        bootstrap.open_sender(store, parts.sender, stop_event, monitor) as sender,
    ):
        worker = bootstrap.make_worker(store, stop_event, monitor, parts.retention)
        probes, jobs = [bootstrap.store_probes(store, monitor), worker.probes, sender.probes], [worker.run, sender.run]
        _add_api(jobs, probes, store, parts.api, stop_event)
        if parts.console is not None:
            server, console = bootstrap.make_console_server(parts.console), bootstrap.make_console(store, parts.console)
            jobs.append(partial(server.serve, console.app, stop_event))
            probes.append(console.probes)
        with run_threads(jobs, stop_event):
            bootstrap.run_operator(store, parts.operator, stop_event, *probes)


def _add_api(
    jobs: list[Callable[[], None]],
    probes: list[ProbeHandlers],
    store: Repositories,
    settings: APISettings | None,
    stop_event: threading.Event,
) -> None:
    """Add the people API to the parts of a process, and its probes to theirs; without settings, it is not served."""
    if settings is None:
        return
    server, api = bootstrap.make_server(settings), bootstrap.make_api(store, settings)
    jobs.append(partial(server.serve, api.app, stop_event))
    probes += [api.probes, server.probes(stop_event)]


@app.command("operator")
def operator(
    context: typer.Context,
    database: Database,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    namespace: Namespaces = None,
    resync: Resync = 600.0,
    cluster_silent_after: ClusterSilentAfter = 60.0,
    first_workspace_after: FirstWorkspaceAfter = 120.0,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
    log_format: LogForm = LogFormat.TEXT,
) -> None:
    """Run only the operator, which watches the cluster.

    The worker must run in another process, on the same database.
    """
    intervals = (resync, cluster_silent_after, first_workspace_after)
    settings = _operator_settings(kubeconfig, kube_context, namespace, intervals, health)
    with (
        process_context(context, log_format, verbose=verbose) as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.monitor_writes(store) as monitor,
    ):
        bootstrap.run_operator(store, settings, stop_event, bootstrap.store_probes(store, monitor))


@app.command("api")
def api(
    context: typer.Context,
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
    log_format: LogForm = LogFormat.TEXT,
) -> None:
    """Run only the people API.

    All its state is in the database, so any number of instances can run on the same database.
    """
    refuse_half_of_tls(tls_cert, tls_key)
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
    with process_context(context, log_format, verbose=verbose) as stop_event:
        bootstrap.run_api(database, settings, stop_event)


app.command("console")(run_console)


@app.command("worker")
def worker(
    context: typer.Context,
    database: Database,
    activities_days: ActivitiesDays = DEFAULT_ACTIVITIES_DAYS,
    transports: TransportsFile = None,
    root_key_file: RootKeyFile = None,
    public_url: PublicURL = None,
    console_url: ConsoleURL = None,
    too_late: TooLate = 24.0,
    keep_content: KeepContent = 30,
    keep_deliveries: KeepDeliveries = 180,
    keep_audit: KeepAudit = 400,
    undo_days: UndoDays = 30,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
    log_format: LogForm = LogFormat.TEXT,
) -> None:
    """Run only the worker, which migrates identifiers and sends.

    It carries out identifier migrations, writes their exports and hands messages to SMTP servers. It also deletes
    old activities, messages and entries of the audit log. Several workers can run; only one at a time works on a
    migration, or on the messages of a workspace.
    """
    settings = _sender_settings(transports, root_key_file, public_url, console_url, too_late)
    retention = _retention(activities_days, keep_content, keep_deliveries, keep_audit, undo_days)
    with (
        process_context(context, log_format, verbose=verbose) as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.monitor_writes(store) as monitor,
        bootstrap.open_sender(store, settings, stop_event, monitor) as sender,
    ):
        migrations = bootstrap.make_worker(store, stop_event, monitor, retention)

        def work() -> None:
            with run_threads([migrations.run], stop_event):
                sender.run()

        bootstrap.run_with_probes(store, monitor, work, health, migrations.probes, sender.probes)


@app.command("sender")
def sender(
    context: typer.Context,
    database: Database,
    transports: TransportsFile = None,
    root_key_file: RootKeyFile = None,
    public_url: PublicURL = None,
    console_url: ConsoleURL = None,
    too_late: TooLate = 24.0,
    health: HealthEndpoint = None,
    verbose: Verbose = False,
    log_format: LogForm = LogFormat.TEXT,
) -> None:
    """Run only the sender of messages.

    It hands them to SMTP servers. Several senders can run; only one at a time works on the messages of a workspace.
    """
    settings = _sender_settings(transports, root_key_file, public_url, console_url, too_late)
    with (
        process_context(context, log_format, verbose=verbose) as stop_event,
        bootstrap.open_store_lazily(database) as store,
        bootstrap.monitor_writes(store) as monitor,
        bootstrap.open_sender(store, settings, stop_event, monitor) as sender,
    ):
        bootstrap.run_with_probes(store, monitor, sender.run, health, sender.probes)


def _retention(
    activities_days: int, content_days: int, deliveries_days: int, audit_days: int, undo_days: int
) -> RetentionSettings:
    return RetentionSettings(
        activities=timedelta(days=activities_days),
        message_content=timedelta(days=content_days),
        deliveries=timedelta(days=deliveries_days),
        audit_entries=timedelta(days=audit_days),
        undo=timedelta(days=undo_days),
    )


def _operator_settings(
    kubeconfig: Path | None,
    context: str | None,
    namespaces: Sequence[str] | None,
    intervals: tuple[float, float, float],
    health: str | None,
) -> OperatorSettings:
    resync, cluster_silent_after, first_workspace_after = intervals
    return OperatorSettings(
        kubeconfig=kubeconfig,
        context=context,
        namespaces=tuple(namespaces or ()),
        resync=resync,
        cluster_silent_after=cluster_silent_after,
        first_workspace_after=first_workspace_after,
        health_endpoint=health,
    )


def _sender_settings(
    transports: Path | None,
    root_key_file: Path | None,
    public_url: str | None,
    console_url: str | None,
    too_late: float,
) -> SenderSettings:
    return SenderSettings(
        transports_file=transports,
        root_key_file=root_key_file,
        public_url=public_url or "",
        console_url=console_url or "",
        too_late_hours=too_late,
    )


def _api_settings(address: str, public_url: str | None, root_key_file: Path | None) -> APISettings | None:
    """The settings of the API; None if it is off."""
    if address == API_OFF:
        return None
    host, port = parse_address(address, "--api-address", default=DEFAULT_API_ADDRESS)
    return APISettings(host=host, port=port, public_url=public_url or "", root_key_file=root_key_file)


def _console_settings(
    address: str,
    url: str | None,
    proxies: Sequence[str] | None,
    undo_days: int,
    issuer: str | None,
    client_id: str | None,
    secret_file: Path | None,
    trusts_email: bool,
) -> ConsoleSettings | None:
    """The settings of the console; None if it is off."""
    oidc = oidc_settings(issuer, client_id, secret_file, url, trust=trusts_email)
    if address == API_OFF:
        return None
    host, port = parse_address(address, "--console-address", default=DEFAULT_CONSOLE_ADDRESS)
    return ConsoleSettings(
        host=host,
        port=port,
        console_url=url or "",
        trusted_proxies=frozenset(proxies or ()),
        oidc=oidc,
        undo=timedelta(days=undo_days),
    )
