"""An answer reaches the vendor's Python client before it gives up after 10 seconds, whatever the database does."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from tests.api.sending.send_client import LEAST
from tests.api.servers import make_workspace, running_api
from tests.e2e.waiting import wait_until

CLIENT_SECONDS = 9.5


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process writes to the database for so long."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_answer_comes_in_time_while_the_database_is_locked(tmp_path: Path) -> None:
    file = tmp_path / "people.db"
    url = f"sqlite:///{file}"
    workspace = make_workspace(url)
    with running_api(url, tmp_path) as api, api.client(workspace.app) as client:

        def timed(headers: dict[str, str]) -> tuple[int, float]:
            start = time.monotonic()
            response = client.post("/v1/send/email", json=dict(LEAST), headers=headers)
            return response.status_code, time.monotonic() - start

        with ThreadPoolExecutor(4) as threads:
            assert client.get("/v1/messages").status_code == httpx.codes.OK  # the key is known
            with locked(file):
                answers = list(threads.map(timed, [{}, {}, {"idempotency-key": "k"}, {"idempotency-key": "k"}]))
            wait_until(lambda: timed({"idempotency-key": "k"})[0] == httpx.codes.OK, what=lambda: str(answers))
        messages = client.get("/v1/messages").json()["messages"]

    assert {status for status, _ in answers} <= {httpx.codes.REQUEST_TIMEOUT, httpx.codes.SERVICE_UNAVAILABLE}
    assert max(seconds for _, seconds in answers) < CLIENT_SECONDS
    # The two requests without a key may have been accepted in the end; those with one are one message.
    assert 1 <= len(messages) <= 3
