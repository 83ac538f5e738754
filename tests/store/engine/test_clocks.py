"""Times use the database's clock, and a clock that is set back blocks nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.store.backends import START, Store, sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import accept
from workspace_operator.application.people.retention import IDLE_INTERVAL, ActivityRetention
from workspace_operator.application.ports import Lease
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.clocks import RETRY_INTERVAL, SYNC_INTERVAL, DatabaseClock, TimeCheck, WrongTime
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.sending.queue import SQLSendingQueue

ROOT = Path(__file__).parents[3]
HOUR = timedelta(hours=1)
LEASE = Lease(worker="dead", duration=timedelta(seconds=20))


def test_lease_of_a_dead_worker_ends_although_the_clock_was_set_back(env: WorkspaceEnv) -> None:
    env.add("1", "ann@example.com")
    env.request()
    assert env.store.migrations.claim(LEASE, now=env.store.clock()) is not None

    env.store.clock.advance(-HOUR.total_seconds())

    assert env.work() is True
    assert env.stage is Stage.COMPLETED


def test_lease_that_was_just_given_is_kept(env: WorkspaceEnv) -> None:
    env.request()
    now = env.store.clock()
    assert env.store.migrations.claim(LEASE, now=now) is not None
    other = Lease(worker="other", duration=LEASE.duration)

    for moved in (timedelta(0), timedelta(seconds=-30), timedelta(seconds=19)):
        assert env.store.migrations.claim(other, now=now + moved) is None


def test_migration_that_rests_is_due_although_the_clock_was_set_back(env: WorkspaceEnv) -> None:
    env.request()
    now = env.store.clock()
    migration = env.store.migrations.claim(LEASE, now=now)
    assert migration is not None
    env.store.migrations.release_lease(migration, LEASE, due_at=now + timedelta(seconds=30))

    assert env.store.migrations.claim(LEASE, now=now) is None
    assert env.store.migrations.claim(LEASE, now=now - HOUR) is not None


def test_activities_are_searched_although_the_clock_was_set_back(store: Store) -> None:
    purges: list[datetime] = []

    class Belongings:
        def purge_activities(self, *, before: datetime, size: int) -> int:
            purges.append(before)
            return size - size

    retention = ActivityRetention(person_records=Belongings(), retention_period=HOUR, clock=store.clock)  # type: ignore[arg-type]
    retention.work_once()
    store.clock.advance(IDLE_INTERVAL.total_seconds() / 2)
    retention.work_once()
    assert len(purges) == 1

    store.clock.advance(-HOUR.total_seconds())
    retention.work_once()

    assert len(purges) == 2


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with closing(upgraded(postgres_url)) as database:
        yield database


def wrong() -> datetime:
    """A machine's clock that is an hour late."""
    return datetime.now(UTC) - HOUR


def test_clock_is_the_servers(database: Database) -> None:
    clock = DatabaseClock(database, local=wrong)

    assert clock.cached_timestamp() == pytest.approx(wrong().timestamp(), abs=60)
    assert abs(clock() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.timestamp() == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
    assert clock.cached_timestamp() == pytest.approx(datetime.now(UTC).timestamp(), abs=60)


@dataclass
class Seconds:
    """A monotonic clock that tests set."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_server_is_asked_now_and_then(database: Database) -> None:
    seconds = Seconds()
    clock = DatabaseClock(database, monotonic=seconds)
    first = clock()

    seconds.now += SYNC_INTERVAL / 2
    assert clock() - first == timedelta(seconds=SYNC_INTERVAL / 2)
    seconds.now += SYNC_INTERVAL / 2

    assert clock() - first < timedelta(seconds=SYNC_INTERVAL / 2)


def test_time_advances_while_the_server_is_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = Seconds()
    clock = DatabaseClock(database, monotonic=seconds)
    known = clock()
    queries: list[float] = []

    def reading() -> None:
        queries.append(seconds.now)
        raise StoreUnavailable("away")

    monkeypatch.setattr(database, "reading", reading)
    seconds.now += SYNC_INTERVAL

    assert clock() - known == timedelta(seconds=SYNC_INTERVAL)
    assert clock() - known == timedelta(seconds=SYNC_INTERVAL)
    seconds.now += RETRY_INTERVAL
    clock()
    assert queries == [1000 + SYNC_INTERVAL, 1000 + SYNC_INTERVAL + RETRY_INTERVAL]


def test_before_the_first_answer_the_time_is_this_machines() -> None:
    clock = DatabaseClock(Database("postgresql://127.0.0.1:1/none?connect_timeout=1"), local=lambda: START)

    assert clock() == START


def test_clock_of_a_file_is_this_machines(tmp_path: Path) -> None:
    with closing(upgraded(f"sqlite:///{tmp_path}/store.db")) as database:
        assert DatabaseClock(database, local=lambda: START)() == START


LATE_WORKER = """
import sys, threading, time
from datetime import timedelta
from functools import partial
from workspace_operator import bootstrap
from workspace_operator.bootstrap import repositories
from workspace_operator.store.engine import clocks

local, late = clocks.utc_now, timedelta(hours=float(sys.argv[2]))
clock = lambda: local() - late
clocks.utc_now, time.time = clock, lambda: clock().timestamp()
repositories.DatabaseClock = partial(clocks.DatabaseClock, local=clock)
with bootstrap.open_store(sys.argv[1]) as store:
    assert store.clock.local is clock
    print(bootstrap.make_migration_worker(store).work_once())
"""
"""A worker on a machine whose clock is wrong."""


@pytest.mark.parametrize("hours", [1, -1])
def test_worker_with_a_wrong_clock_keeps_to_leases(database: Database, hours: int) -> None:
    clock = DatabaseClock(database)
    env = WorkspaceEnv.create(sql_store(database), Mode.ID_ONLY)
    env.store.clock.now = clock()
    env.request()
    assert env.store.migrations.claim(LEASE, now=clock()) is not None

    assert late_worker(database, hours) == "False"
    database.writing(lambda connection: connection.exec_driver_sql("UPDATE migration SET lease_expires_at = 0"))
    assert late_worker(database, hours) == "True"

    assert env.stage is Stage.COMPLETED


def late_worker(database: Database, hours: int) -> str:
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", LATE_WORKER, url, str(hours)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'operator'}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("seconds", "is_right"), [(0, True), (-3, False), (3, False)])
def test_hand_over_begins_by_the_servers_time_only(database: Database, seconds: float, is_right: bool) -> None:
    clock = DatabaseClock(database)
    env = WorkspaceEnv.create(sql_store(database), Mode.ID_ONLY)
    env.store.clock.now = clock()
    env.add("1")
    accept(env)
    queue = SQLSendingQueue(database, clock=clock)
    lease = queue.lease_room("s1", timedelta(seconds=20), now=clock())
    assert lease is not None
    ran: list[bool] = []
    lasts = nullcontext() if is_right else pytest.raises(StoreUnavailable, match="was set")

    with lasts:
        queue.run(lease, lambda _: ran.append(True), now=clock() + timedelta(seconds=seconds))

    assert ran == [True] * is_right


def test_clock_that_was_found_wrong_is_asked_again(database: Database) -> None:
    seconds = Seconds()
    clock = DatabaseClock(database, monotonic=seconds)
    first = clock()
    seconds.now += 10
    assert clock() - first == timedelta(seconds=10)

    clock.synchronize()

    assert clock() - first < timedelta(seconds=10)


def test_time_is_compared_as_it_passes() -> None:
    seconds = Seconds()
    check = TimeCheck(now=START, monotonic=seconds)
    seconds.now += 5
    asked_after = check.passed()
    seconds.now += 7

    for passed in (4, 5, 12, 13):
        check.compare(START + timedelta(seconds=passed), asked_after=asked_after)
    for wrong_by in (timedelta(seconds=3.9), timedelta(seconds=13.1)):
        with pytest.raises(WrongTime):
            check.compare(START + wrong_by, asked_after=asked_after)
