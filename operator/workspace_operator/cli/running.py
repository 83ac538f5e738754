"""``workspacectl run``: the long-running parts, together in one process or each in its own."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.cli.options import Database
from workspace_operator.settings import OperatorSettings

app = typer.Typer(help="Run the operator and the worker in one process, or one of them alone.")

Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig", metavar="FILE", exists=True, dir_okay=False, help="As for kubectl; in a pod, its own account."
    ),
]
Context = Annotated[str | None, typer.Option("--context", metavar="NAME", help="A context of the kubeconfig.")]
Namespaces = Annotated[
    list[str] | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Watch only this namespace; may be given several times."),
]
Resync = Annotated[
    float, typer.Option("--resync-seconds", min=1, help="How often drift is looked for, plus or minus a fifth.")
]
Health = Annotated[
    str | None,
    typer.Option(
        "--health-endpoint",
        metavar="URL",
        help="Serve liveness there, such as http://0.0.0.0:8080/healthz, and readiness at /readyz.",
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what the libraries do, too.")]


@app.callback(invoke_without_command=True)
def everything(
    context: typer.Context,
    database: Database,
    kubeconfig: Kubeconfig = None,
    kube_context: Context = None,
    namespace: Namespaces = None,
    resync: Resync = 600.0,
    health: Health = None,
    verbose: Verbose = False,
) -> None:
    """Run the operator and the worker in one process: the embedded default."""
    if context.invoked_subcommand is not None:
        return
    from workspace_operator import bootstrap

    settings = _settings(kubeconfig, kube_context, namespace, resync, health)
    with _running(verbose) as stopping, bootstrap.awaited(database) as store:
        worker = _in_background(bootstrap.worker_loop(store, stopping).run)
        try:
            bootstrap.run_operator(store, settings, stopping)
        finally:
            stopping.set()
            worker.join()


@app.command("operator")
def operator(
    database: Database,
    kubeconfig: Kubeconfig = None,
    kube_context: Context = None,
    namespace: Namespaces = None,
    resync: Resync = 600.0,
    health: Health = None,
    verbose: Verbose = False,
) -> None:
    """Run the operator alone: it watches the cluster. The worker runs elsewhere, on the same database."""
    from workspace_operator import bootstrap

    settings = _settings(kubeconfig, kube_context, namespace, resync, health)
    with _running(verbose) as stopping, bootstrap.awaited(database) as store:
        bootstrap.run_operator(store, settings, stopping)


@app.command("worker")
def worker(database: Database, verbose: Verbose = False) -> None:
    """Run the worker alone: it carries identifier changes out. Several may run; each change is one's at a time."""
    from workspace_operator import bootstrap

    with _running(verbose) as stopping, bootstrap.awaited(database) as store:
        bootstrap.worker_loop(store, stopping).run()


def _settings(
    kubeconfig: Path | None,
    context: str | None,
    namespaces: Sequence[str] | None,
    resync: float,
    health: str | None,
) -> OperatorSettings:
    return OperatorSettings(
        kubeconfig=kubeconfig,
        context=context,
        namespaces=tuple(namespaces or ()),
        resync=resync,
        health_endpoint=health,
    )


@contextmanager
def _running(verbose: bool) -> Iterator[threading.Event]:
    """Log to standard error, and stop in good order on SIGTERM and SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not verbose:
        for chatty in ("kopf", "alembic", "aiohttp.access"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    yield stopping


def _in_background(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name="worker")
    thread.start()
    return thread
