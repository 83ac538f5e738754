"""kill -9 at random moments of a migration with a writer: nothing is left half done."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.store.backends import Store, sql_store, upgraded
from tests.store.crashing_worker import BATCH
from tests.store.fixtures import WorkspaceEnv
from tests.store.invariants import assert_sound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage

ROOT = Path(__file__).parents[3]
PEOPLE = BATCH * 60
MAX_LIFETIME = 0.25
"""Seconds; a migration takes about as long, so that workers die in every stage and some survive."""

ROUNDS = [3, pytest.param(30, marks=pytest.mark.proof)]
"""Each round migrates there and back, with one or two kills per direction."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database of this test, which the worker process also opens."""
    if request.param == "sqlite":
        yield from _opened(f"sqlite:///{tmp_path}/store.db")
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        with postgres.database() as url:
            yield from _opened(url)


def _opened(url: str) -> Iterator[Store]:
    database = upgraded(url)
    yield sql_store(database)
    database.close()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_killed_worker_leaves_nothing_half_done(store: Store, rounds: int) -> None:
    assert store.database is not None
    chance = random.Random(rounds)
    env = WorkspaceEnv.create(store, Mode.ID_ONLY)
    env.add_many({str(number): f"{number}@example.com" for number in range(PEOPLE)})

    with writing(env) as writer:
        for _ in range(rounds):
            for mode in (Mode.EMAIL_OR_ID, Mode.ID_ONLY):
                env.request(mode)
                kill_a_worker(env, chance.uniform(0, MAX_LIFETIME))
                assert_sound(store.database, at_rest=False)
                kill_a_worker(env, chance.uniform(0, MAX_LIFETIME))
                assert_sound(store.database, at_rest=False)
                let_a_worker_finish(env)
                assert (env.stage, env.mode) == (Stage.COMPLETED, mode)

    assert_sound(store.database)
    assert writer.written > rounds
    assert writer.failures == []


def worker_process(env: WorkspaceEnv) -> subprocess.Popen[bytes]:
    """A worker that is ready to start, for which all earlier leases have expired."""
    env.store.clock.advance(120)
    ahead = env.store.clock().timestamp() - time.time()
    assert env.store.database is not None
    url = env.store.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.store.crashing_worker", url, str(ahead)]
    pipe = subprocess.PIPE
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}"}
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill_a_worker(env: WorkspaceEnv, life: float) -> None:
    with worker_process(env) as process:
        start(process)
        try:
            process.wait(life)
        except subprocess.TimeoutExpired:
            process.kill()


def let_a_worker_finish(env: WorkspaceEnv) -> None:
    env.store.clock.advance(120)
    while env.worker("last", batch=BATCH).work_once():
        pass


def start(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()


class Writer:
    """Creates, changes and deletes people without violations."""

    def __init__(self, env: WorkspaceEnv) -> None:
        self.env = env
        self.written = 0
        self.failures: list[BaseException] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.write(self.written)
        except BaseException as error:  # noqa: BLE001 - reported by the test
            self.failures.append(error)

    def write(self, number: int) -> None:
        env, name = self.env, f"w{number}"
        env.identify_person(id=name, body={"email": f"{name}@example.com", "plan": "pro"})
        env.identify_person(id=name, body={"email": f"new-{name}@example.com"})
        env.identify_person(id=str(number % PEOPLE), body={"email": f"{number % PEOPLE}-{number}@example.com"})
        if number % 3 == 0:
            env.delete(id=name)
        self.written += 1


@contextmanager
def writing(env: WorkspaceEnv) -> Iterator[Writer]:
    writer = Writer(env)
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        yield writer
    finally:
        writer.stopping.set()
        thread.join()
