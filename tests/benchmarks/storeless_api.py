"""The people API as it is served, but that calls are parsed and then answered without a store: what HTTP alone costs.

    python -m tests.benchmarks.storeless_api PORT

Run as a program; credentials are still those of the database that WORKSPACE_OPERATOR_DATABASE names.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence

from workspace_operator import bootstrap
from workspace_operator.application.people import command_execution
from workspace_operator.application.ports import People
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.settings import APISettings

UNCHANGED = CommandResult(effect=Effect.UNCHANGED)


def execute_nothing(
    _people: People,
    _workspace_id: int,
    commands: Sequence[Command],
    *,
    now: int,  # noqa: ARG001 - the signature of `execute_commands`
) -> Sequence[CommandResultOrError]:
    return [UNCHANGED for _ in commands]


def main() -> None:
    settings = APISettings(port=int(sys.argv[1]))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    command_execution.execute_commands = execute_nothing  # type: ignore[assignment]
    with bootstrap.open_store(os.environ["WORKSPACE_OPERATOR_DATABASE"]) as store:
        bootstrap.make_server(settings).serve(bootstrap.make_api(store, settings).app, stopping)


if __name__ == "__main__":
    main()
