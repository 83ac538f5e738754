"""The process of a ``run`` command: its log, its signals and its threads."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import typer

from workspace_operator import bootstrap
from workspace_operator.cli.support.output import ERROR
from workspace_operator.errors import InvalidInput, WorkspaceOperatorError
from workspace_operator.settings import LogFormat, variable_of

logger = logging.getLogger(__name__)


@contextmanager
def process_context(context: typer.Context, log_format: LogFormat, *, verbose: bool) -> Iterator[threading.Event]:
    """Log to standard error; yields an event that SIGTERM and SIGINT set.

    An error that the user can fix names the variable that the wrong value is from. In JSON it is a line of the log.
    """
    bootstrap.configure_logging(log_format, verbose=verbose)
    stop_event = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop_event.set())
    try:
        yield stop_event
        logger.info("stopped")
    except (WorkspaceOperatorError, OSError) as error:
        message = f"{error}{_source(context, error)}"
        if log_format is LogFormat.JSON:
            logger.critical(message)
            raise typer.Exit(ERROR) from error
        if message == str(error):
            raise
        raise WorkspaceOperatorError(message) from error


def _source(context: typer.Context, error: Exception) -> str:
    """Names the variable if the option of the error was set by one."""
    option = error.field if isinstance(error, InvalidInput) else ""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if option in parameter.opts and source is not None and source.name == "ENVIRONMENT":
            return f" (set by {variable_of(option)})"
    return ""


@contextmanager
def run_threads(jobs: Sequence[Callable[[], None]], stop_event: threading.Event) -> Iterator[None]:
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
