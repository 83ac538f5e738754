"""The people API as it is served, but that calls are parsed and then answered without a store: what HTTP alone costs.

    python -m tests.benchmarks.storeless PORT

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
from workspace_operator.application.ports import Answer, People
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import Ask
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.rules import Mode
from workspace_operator.settings import APISettings

UNCHANGED = Outcome(effect=Effect.UNCHANGED)


@dataclass(frozen=True, slots=True)
class NoPeople:
    """Parses asks, and does nothing about them."""

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:  # noqa: ARG002 - the port's
        return [_answer(each) for each in asks]


def _answer(ask: Ask) -> Answer:
    try:
        if callable(ask):
            ask(Mode.EMAIL_OR_ID)
    except InvalidInput as error:
        return error
    return UNCHANGED


def main() -> None:
    settings = APISettings(port=int(sys.argv[1]))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    people = cast("People", NoPeople())  # nothing else of the port is asked for
    with bootstrap.opened(os.environ["WORKSPACE_OPERATOR_DATABASE"]) as store:
        bootstrap.api_server(settings).serve(bootstrap.api(replace(store, people=people), settings).app, stopping)


if __name__ == "__main__":
    main()
