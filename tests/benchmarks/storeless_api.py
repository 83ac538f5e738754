"""The people API as it is served, but that calls are parsed and then answered without a store: what HTTP alone costs.

    python -m tests.benchmarks.storeless_api PORT

Run as a program; credentials are still those of the database that WORKSPACE_OPERATOR_DATABASE names.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from workspace_operator import bootstrap
from workspace_operator.application.ports import CommandResultOrError, People
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import UnresolvedCommand
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.settings import APISettings

UNCHANGED = CommandResult(effect=Effect.UNCHANGED)


@dataclass(frozen=True, slots=True)
class StubPeople:
    """Parses asks, and does nothing about them."""

    def perform(  # the port's signature
        self,
        _workspace_id: int,
        commands: Sequence[UnresolvedCommand],
        *,
        now: int,  # noqa: ARG002
    ) -> Sequence[CommandResultOrError]:
        return [_answer(each) for each in commands]


def _answer(command: UnresolvedCommand) -> CommandResultOrError:
    try:
        if callable(command):
            command(Mode.EMAIL_OR_ID)
    except InvalidInput as error:
        return error
    return UNCHANGED


def main() -> None:
    settings = APISettings(port=int(sys.argv[1]))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    people = cast("People", StubPeople())  # nothing else of the port is asked for
    with bootstrap.open_store(os.environ["WORKSPACE_OPERATOR_DATABASE"]) as store:
        bootstrap.make_server(settings).serve(bootstrap.make_api(replace(store, people=people), settings).app, stopping)


if __name__ == "__main__":
    main()
