"""Accepting messages under load: against the same route with a store that does nothing."""

import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.servers import MadeWorkspace, make_workspace
from tests.benchmarks.earlier_version import answers
from tests.benchmarks.measurement import databases, print_table
from tests.benchmarks.migrations.environments import new_database
from tests.benchmarks.test_api import CONNECTIONS, LOAD, RUNS, Load
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.processes import Server, last_lines

MESSAGES = LOAD // 4
PEOPLE = 1_000


def sends(workspace: MadeWorkspace, count: int, *, seed: int) -> Iterator[bytes]:
    """A message each to somebody of PEOPLE, with a text and data of its own."""
    rng = random.Random(seed)
    for number in range(count):
        document = {
            "to": f"user{number}@shop.example",
            "identifiers": {"id": f"user-{rng.randrange(PEOPLE)}"},
            "from": "Shop <hello@shop.example>",
            "subject": "Your order",
            "body": "<p>Thank you.</p>" * 30,
            "message_data": {"order": number, "items": [{"name": "hat", "price": 12}] * 3},
        }
        body = json.dumps(document).encode()
        head = (
            f"POST /v1/send/email HTTP/1.1\r\nhost: localhost\r\nauthorization: {workspace.app['authorization']}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


@contextmanager
def serving(database: str, folder: Path, store: str) -> Iterator[int]:
    """The port of a server that accepts messages into its store, or into nothing."""
    port, log = free_port(), folder / f"send-{store}.log"
    key = folder / "root-key"
    key.write_text("00" * 32)
    command = (sys.executable, "-m", "tests.benchmarks.sending.send_api", str(port), str(key), store)
    server = Server.start(command, log=log, environment={**os.environ, "WORKSPACE_OPERATOR_DATABASE": database})
    try:
        wait_until(lambda: answers(port), what=lambda: last_lines(log))
        yield port
    finally:
        server.end()


@pytest.mark.bench
@databases
def test_accepting_against_nothing(title: str, tmp_path: Path) -> None:
    with new_database(title, tmp_path) as url:
        workspace = make_workspace(url)
        load = Load.of(sends(workspace, MESSAGES, seed=1), tmp_path / "load")
        with serving(url, tmp_path, "store") as ours, serving(url, tmp_path, "nothing") as bare:
            load.send(ours)  # makes the people
            pairs = [(load.send(bare), load.send(ours)) for _ in range(RUNS)]

    without, accepted = max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
    print_table(
        f"POST /v1/send/email, {CONNECTIONS} connections, {title}",
        [
            (
                f"rate of the same route with a store that does nothing, best of {RUNS}",
                "0.3",
                f"{accepted / without:.2f}",
            ),
            ("messages a second", "", f"{accepted:,.0f} of {without:,.0f}"),
        ],
    )
