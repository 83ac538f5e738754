"""The cleanup page of a change that a million people block: its data, its first byte, and a decision on it."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.benchmarks.bulk_data import FIRST_CREATED, fill_groups
from tests.benchmarks.cleanups.running_console import RunningConsole, Visitor, running_console
from tests.benchmarks.measurement import at_most, databases, memory_megabytes, print_table, processor_seconds, seconds
from tests.benchmarks.migrations.environments import NAME, Environment, new_database
from tests.benchmarks.migrations.processes import percentile_99
from tests.store.backends import Clock, recorded_statements, sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv, create, owner
from workspace_operator.application.cleanups.lists import MEMBERS_ALONE, CleanupLists, ListRequest
from workspace_operator.application.ports import GroupCursor, PersonCursor
from workspace_operator.identity.values.rules import Mode

PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_BLOCKING", "1000000"))
PAGES, DECISIONS = 300, 400
VISITORS = 40
WAIT_FOR_PAGE, WAIT_FOR_FORM = 0.03, 0.01
"""Seconds from one request to the next, of all visitors."""
TABS, POLLS, POLL_SECONDS = 10, 10, 2.0
MOST_ROWS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A workspace whose change all people block, in so many groups."""

    env: WorkspaceEnv
    url: str
    groups: int

    @property
    def path(self) -> str:
        return f"/w/{self.env.workspace_id}/cleanup"

    def key(self, number: int) -> str:
        """The e-mail key of a group; neighbours lie far apart."""
        return f"{number * 7919 % self.groups * 2_654_435_761 % 2**32:010d}@example.com"

    def position(self, number: int) -> PersonCursor:
        """Somebody of the only group."""
        person = number * 7919 % PEOPLE
        return PersonCursor(FIRST_CREATED + person, f"{person:024x}")

    def address_of(self, number: int) -> str:
        """The address of a page somewhere in the list."""
        if self.groups > 1:
            return f"{self.path}?{urlencode({'after': self.key(number)})}"
        position = self.position(number)
        return f"{self.path}/g?{urlencode({'key': self.key(0), 'from': f'{position.created_at}.{position.cio_id}'})}"

    def decision(self, number: int) -> Mapping[str, str]:
        """The fields of a decision: about a whole group, or about somebody of the only one."""
        if self.groups > 1:
            return {"group": self.key(number), "do": "mergeIntoOldest"}
        return {"group": self.key(0), "do": "save", "people": self.position(number).cio_id, "shown": "-", "d0": "clear"}

    def read_page(self, number: int) -> None:
        """Read what a page shows."""
        lists, workspace_id = self._lists, self.env.workspace_id
        status, request = lists.status(workspace_id), ListRequest(attributes=("city", "plan"))
        if self.groups > 1:
            lists.page(workspace_id, status, request, after=GroupCursor(self.key(number)))
        else:
            alone = replace(request, members=MEMBERS_ALONE)
            lists.group(workspace_id, status, alone, self.key(0), after=self.position(number))

    @property
    def _lists(self) -> CleanupLists:
        store = self.env.store
        assert store.listings is not None
        return CleanupLists(
            migrations=store.migrations,
            cleanups=store.sql_cleanups,
            listings=store.listings,
            listed_calls=store.sql_listed_calls,
            people=store.people,
            clock=store.clock,
        )


@contextmanager
def blocked(title: str, folder: Path, groups: int) -> Iterator[Blocked]:
    """PEOPLE people in so many groups, all of whom block the change."""
    folder.mkdir(exist_ok=True)
    with new_database(title, folder) as url:
        database = upgraded(url)
        store = sql_store(database, Clock(datetime.now(UTC)))
        workspace_id = create(store, owner(NAME), mode=Mode.ID_ONLY, display_name=NAME).workspace_id
        fill_groups(database, workspace_id, PEOPLE, groups)
        env = WorkspaceEnv(store=store, owner=owner(NAME), workspace_id=workspace_id)
        migration = env.migrate_to(Mode.EMAIL_OR_ID)
        assert migration.violations.people_concerned == PEOPLE
        Environment(url=url, database=database, workspace_id=workspace_id).rest()
        yield Blocked(env=env, url=url, groups=groups)
        database.close()


@pytest.mark.bench
@databases
@pytest.mark.parametrize("groups", [PEOPLE * 305 // 1000, 1])
def test_page_costs_what_it_shows(title: str, groups: int, tmp_path: Path) -> None:
    with blocked(title, tmp_path, groups) as made, running_console(made.url, made.env.store, tmp_path) as console:
        data = [seconds(partial(made.read_page, number)) for number in range(PAGES)]
        most_rows = rows_read(made) if title == "PostgreSQL" else 0
        with console.visitors(VISITORS) as visitors:
            first = first_byte(visitors[0], made.path)
            pages = [
                first_byte(visitor, made.address_of(number))
                for number, visitor in paced(visitors, PAGES, WAIT_FOR_PAGE)
            ]
            answer = visitors[0].get(made.path)
            assets = [visitors[0].get(path) for path in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text))]
            decisions = [decide(made, visitor, number) for number, visitor in paced(visitors, DECISIONS, WAIT_FOR_FORM)]
            polling = polled(console, visitors[:TABS], f"/w/{made.env.workspace_id}")
        memory = memory_megabytes(console.pid)
    print_table(
        f"Cleanup page, {PEOPLE:,} people block in {groups:,} groups, {title}; load average {os.getloadavg()[0]:.1f}",
        [
            at_most(f"data of a page, median of {PAGES}, ms", 1000 * median(data), 10),
            ("data of a page, longest", "", f"{1000 * max(data):.1f} ms"),
            at_most("most rows that a statement reads (PostgreSQL)", most_rows, MOST_ROWS, "{:,.0f}"),
            ("first byte of the first page after the start", "", f"{1000 * first:.0f} ms"),
            at_most("first byte, median, ms", 1000 * median(pages), 50),
            ("first byte, p99", "", f"{1000 * percentile_99(sorted(pages)):.0f} ms"),
            at_most("a decision until the new count, p99, ms", 1000 * percentile_99(sorted(decisions)), 150),
            ("a decision, median", "", f"{1000 * median(decisions):.0f} ms"),
            at_most("HTML, bytes", len(answer.content), 100_000, "{:,.0f}"),
            at_most("CSS and script, bytes", sum(len(each.content) for each in assets), 10_000, "{:,.0f}"),
            at_most(f"{TABS} tabs that poll, part of a core", polling, 0.03, "{:.3f}"),
            ("memory of the console", "", f"{memory:.0f} MB"),
        ],
    )


def paced(visitors: list[Visitor], count: int, pause: float) -> Iterator[tuple[int, Visitor]]:
    """Numbers with visitors in turns, so slowly that no session reaches its limits."""
    for number in range(count):
        began = time.perf_counter()
        yield number, visitors[number % len(visitors)]
        time.sleep(max(0.0, pause - (time.perf_counter() - began)))


def first_byte(visitor: Visitor, path: str) -> float:
    start = time.perf_counter()
    with visitor.client.stream("GET", path) as answer:
        next(answer.iter_raw())
        took = time.perf_counter() - start
        assert answer.status_code == httpx.codes.OK
    return took


def decide(made: Blocked, visitor: Visitor, number: int) -> float:
    """Decide as the script does, and return how long the answer took, which has the group and the new count."""
    if not visitor.form_token:
        visitor.read_form_token(made.path)
    start = time.perf_counter()
    answer = visitor.send_form(f"{made.path}/decide", made.decision(number))
    took = time.perf_counter() - start
    assert "would still block" in answer.text
    return took


def polled(console: RunningConsole, visitors: list[Visitor], path: str) -> float:
    """The part of a core that tabs take which ask every two seconds whether something has changed."""
    part = {"x-part": "overview", "x-poll": "1"}
    tags = [visitor.client.get(path, headers=part).headers["etag"] for visitor in visitors]
    before, started = processor_seconds(console.pid), time.perf_counter()
    for _ in range(POLLS):
        round_started = time.perf_counter()
        for visitor, tag in zip(visitors, tags, strict=True):
            visitor.client.get(path, headers={**part, "if-none-match": tag})
        time.sleep(max(0.0, POLL_SECONDS - (time.perf_counter() - round_started)))
    return (processor_seconds(console.pid) - before) / (time.perf_counter() - started)


def rows_read(made: Blocked) -> int:
    """The most rows that a node of a plan read, for the statements of a few pages, in all its loops."""
    with recorded_statements(made.env.store.sql_database) as sent:
        for number in range(5):
            made.read_page(number)
    most = 0
    with made.env.store.sql_database.reading() as connection, closing(connection.connection.cursor()) as cursor:
        for text, parameters in sent:
            if text.lstrip().upper().startswith(("SELECT", "WITH")):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", parameters)
                [[[explained]]] = cursor.fetchall()
                most = max(most, _most_rows(explained["Plan"]))
    return most


def _most_rows(node: Mapping[str, Any]) -> int:
    read = int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return max([read, *(_most_rows(child) for child in node.get("Plans", ()))])
