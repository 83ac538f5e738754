"""Handing over through the queue, against a bare ``smtplib`` loop: same composing, connections and server."""

import os
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.benchmarks.measurement import at_least, at_most, databases, memory_megabytes, print_table
from tests.sender.post_office import ROOT_KEY, PlainRenderer, PostOffice, local_transport, open_post_office
from tests.sender.post_office import request as stored_request
from workspace_operator.application.ports import Renderer
from workspace_operator.mail.pools import SMTPTransportPool
from workspace_operator.rendering.processes import RenderProcesses
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.gate import Pass
from workspace_operator.sending.messages import MessageContent, RenderedMessage, RenderJob, Tracking
from workspace_operator.sending.mime import compose
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.sending_tables import delivery, delivery_content

PUBLIC_URL = "https://mail.example"
MESSAGES = 1500
RUNS = 3
WAITING = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_MESSAGES", "1000000"))
CONNECTIONS = 4

LINKS = "".join(
    f'<li><a href="https://shop.example/product/{number}">Product {number}</a></li>' for number in range(40)
)
USUAL_MAIL = {
    "sender": "Shop <hello@shop.example>",
    "subject": "Your receipt, {{ trigger.name }}",
    "body": "<html><body><h1>Hello {{ trigger.name }}</h1>"
    "{% for item in trigger.items %}<p>{{ item.title }}: {{ item.price }}</p>{% endfor %}<ul>"
    + LINKS
    + "</ul></body></html>",
}
DATA = {"name": "Ann", "items": [{"title": f"Thing {number}", "price": number * 3} for number in range(5)]}


@pytest.mark.bench
@databases
def test_composed_messages_against_a_bare_loop(title: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with closing(RenderProcesses(ROOT_KEY)) as renderer:
        figure(title, request, tmp_path, renderer, {**USUAL_MAIL, "data": DATA}, goal=0.6, name="composed")


@pytest.mark.bench
@databases
def test_ready_bytes_against_a_bare_loop(title: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    parts = {"subject": "Receipt", "sender": "Shop <hello@shop.example>", "body_plain": "Thanks"}
    figure(title, request, tmp_path, PlainRenderer(), parts, goal=0.35, name="ready bytes")


def figure(
    title: str,
    request: pytest.FixtureRequest,
    folder: Path,
    renderer: Renderer,
    parts: dict[str, Any],
    *,
    goal: float,
    name: str,
) -> None:
    """Print the median ratio of both rates over pairs of runs."""
    url = request.getfixturevalue("postgres_url") if title == "PostgreSQL" else f"sqlite:///{folder}/store.db"
    with sink_process() as port, open_post_office(url) as office:
        office.renderer = renderer
        office.pool.close()
        office.pool = SMTPTransportPool((local_transport(port, connections=CONNECTIONS),))
        ratios, rates = [], []
        for _ in range(RUNS):
            bare = MESSAGES / bare_loop(port, renderer, parts)
            ours = MESSAGES / queue(office, parts)
            ratios.append(ours / bare)
            rates.append((ours, bare))
        print_table(
            f"Handing over, {title}, {name}: {MESSAGES} messages, {CONNECTIONS} connections; "
            + ", ".join(f"{ours:.0f} against {bare:.0f} a second" for ours, bare in rates),
            [at_least(f"rate, {name}", median(ratios), goal)],
        )


def queue(office: PostOffice, parts: dict[str, Any]) -> float:
    """Seconds to hand over messages that wait already."""
    for _ in range(MESSAGES // 100):
        office.accept(100, request=stored_request(**parts))
    sender = office.sender(public_url=PUBLIC_URL)
    began = time.perf_counter()
    while sender.work_once():
        pass
    return time.perf_counter() - began


def bare_loop(port: int, renderer: Renderer, parts: dict[str, Any]) -> float:
    """Seconds of threads that compose and hand over, 64 messages at a time, with nothing in between."""
    numbers, lock = count(), threading.Lock()
    began = time.perf_counter()

    def work() -> None:
        with smtplib.SMTP("127.0.0.1", port) as connection:
            while True:
                with lock:
                    batch = [number for number in (next(numbers) for _ in range(16)) if number < MESSAGES]
                if not batch:
                    return
                for data in composed(renderer, parts, batch):
                    connection.sendmail("hello@shop.example", ["ann@example.com"], data)

    run_threads([work] * CONNECTIONS)
    return time.perf_counter() - began


def composed(renderer: Renderer, parts: dict[str, Any], numbers: Sequence[int]) -> Iterator[bytes]:
    """The bytes of messages, made by the same functions as in a room."""
    data = parts.get("data")
    content = MessageContent(**{name: text for name, text in parts.items() if name != "data"})
    tracking = Tracking(pixel=True, links=True, is_test=False)
    jobs = [
        RenderJob(
            workspace_id=1,
            delivery_id=f"{number:024x}",
            content=content,
            data={"trigger": data, "customer": {}, "message_data": data},
            tracking=tracking,
            public_url=PUBLIC_URL,
            with_unsubscribe=False,
        )
        for number in numbers
    ]
    ann = parse_mailboxes("ann@example.com", field="to")
    decision = Pass(
        rule=14,
        mode=SendMode.NORMAL,
        envelope=ann,
        to=ann,
        cc=(),
        original_to=(),
        original_cc=(),
        original_bcc=(),
        keeps_reply_to=True,
        tracking=tracking,
    )
    for number, rendered in zip(numbers, renderer.render(jobs), strict=True):
        assert isinstance(rendered, RenderedMessage)
        assert rendered.sender is not None
        message_id = f"{number}@shop.example"
        yield compose(rendered, decision, sender=rendered.sender, message_id=message_id, date=datetime.now(UTC))


def run_threads(works: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def sink_process() -> Iterator[int]:
    """An SMTP server in a process of its own; its port."""
    with subprocess.Popen([sys.executable, "-m", "tests.mail.sink"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().split()[1])
        process.terminate()


@pytest.mark.bench
@databases
def test_memory_is_flat(title: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    messages = 100_000
    url = request.getfixturevalue("postgres_url") if title == "PostgreSQL" else f"sqlite:///{tmp_path}/store.db"
    with sink_process() as port, open_post_office(url) as office:
        office.pool.close()
        office.pool = SMTPTransportPool((local_transport(port, connections=CONNECTIONS),))
        sizes = []
        for _ in range(10):
            for _ in range(messages // 10 // 500):
                office.accept(500)
            sender = office.sender()
            while sender.work_once():
                pass
            sizes.append(memory_megabytes(kind="VmRSS"))
    print_table(
        f"Memory of a process that accepts and sends, {title}: " + ", ".join(f"{size:.0f}" for size in sizes) + " MB",
        [("growth from the second tenth to the last, MB", "<= 20", f"{sizes[-1] - sizes[1]:.0f}")],
    )


@pytest.mark.bench
@databases
def test_million_waiting_messages_delay_no_other_workspace(
    title: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue("postgres_url") if title == "PostgreSQL" else f"sqlite:///{tmp_path}/store.db"
    with open_post_office(url, connections=CONNECTIONS) as office:
        other = office.another_workspace("other")
        office.sink.keeps_data = False
        [waiting] = office.accept()
        multiply(url, waiting, WAITING)
        delays = []
        with office.running():
            time.sleep(2)
            for number in range(20):
                to = f"other-{number}@example.com"
                began = time.perf_counter()
                office.accept(workspace=other, to=to)
                while not any(taken.recipients == (to,) for taken in office.sink.messages):
                    time.sleep(0.005)
                delays.append(time.perf_counter() - began)
                office.sink.transactions.clear()
    print_table(
        f"A message of another workspace beside {WAITING} that wait in one, {title}; median {median(delays):.2f} s",
        [at_most("longest from accept to handed over, s", max(delays), 1.0)],
    )


def multiply(url: str, delivery_id: str, count: int) -> None:
    """Copy a waiting delivery and its content, with ids of their own."""
    with closing(Database(url)) as database, database._writing_engine.begin() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for table in (delivery, delivery_content):
            columns = [column.name for column in table.columns if column.name not in ("delivery_id", "idempotency_key")]
            names = ", ".join(columns)
            new_id = "printf('%024x', n)" if database.is_sqlite else "lpad(to_hex(n), 24, '0')"
            numbers = (
                f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
                if database.is_sqlite
                else f"WITH numbers(n) AS (SELECT generate_series(1, {count}))"
            )
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} (delivery_id, {names}) {numbers} "
                f"SELECT {new_id}, {names} FROM {table.name}, numbers WHERE delivery_id = '{delivery_id}'"
            )
