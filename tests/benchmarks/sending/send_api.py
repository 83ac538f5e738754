"""The people API without a limit of messages a second, with its store or with one that accepts and does nothing.

    python -m tests.benchmarks.sending.send_api PORT KEY_FILE store|nothing

Run as a program; credentials are those of the database that WORKSPACE_OPERATOR_DATABASE names.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from workspace_operator import bootstrap
from workspace_operator.application.ports import Accepted
from workspace_operator.application.sending.acceptance import AcceptanceResult, AcceptMessages
from workspace_operator.sending.requests.send_requests import SendRequest
from workspace_operator.sending.rules import SendMode
from workspace_operator.settings import APISettings
from workspace_operator.web.core.limits import Limits

ACCEPTED = Accepted(delivery_id="0" * 24, queued_at=datetime(2026, 11, 29, tzinfo=UTC), mode=SendMode.NORMAL)


def accept_nothing(
    _accept: AcceptMessages,
    _workspace_id: int,
    requests: Sequence[SendRequest],
    /,
    *,
    now: int,  # noqa: ARG001 - the signature of `AcceptMessages`
) -> Sequence[AcceptanceResult]:
    return [ACCEPTED for _ in requests]


def main() -> None:
    settings = APISettings(port=int(sys.argv[1]), root_key_file=Path(sys.argv[2]))
    limits = Limits(sends_per_second=1e9, sends_at_once=10**9)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    if sys.argv[3] == "nothing":
        AcceptMessages.__call__ = accept_nothing  # type: ignore[method-assign]
    with bootstrap.open_store(os.environ["WORKSPACE_OPERATOR_DATABASE"]) as store:
        bootstrap.make_server(settings).serve(bootstrap.make_api(store, settings, limits).app, stopping)


if __name__ == "__main__":
    main()
