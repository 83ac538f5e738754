"""Workers are killed while they try, import and undo a file: each row is done once, and everything comes back."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count

import pytest

from tests.postgres import Postgres
from tests.store.backends import Store, sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from tests.store.imports.import_env import ImportEnv
from tests.store.invariants import assert_sound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.imports.model import ImportCounts, ImportState

IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
PEOPLE = 800 if IS_PROOF else 120
KILLS = 50 if IS_PROOF else 3
"""Of each of the two: importing and undoing."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def to_kill(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('killed')}/store.db"
        with closing(upgraded(url)) as database:
            yield sql_store(database), url
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database() as url, closing(upgraded(url)) as database:
        yield sql_store(database), url


def test_killed_workers_do_each_row_once(to_kill: tuple[Store, str]) -> None:
    store, url = to_kill
    chance, clock = random.Random(7), count(60, 60)
    club = ImportEnv(WorkspaceEnv.create(store, Mode.EMAIL_OR_ID))
    club.env.add_many({f"m-{number}": f"p{number}@club.example" for number in range(PEOPLE // 2)})
    before = club.people()
    club.upload("id,plan\n" + "".join(f"m-{number},gold\n" for number in range(PEOPLE)) + ",lost\n")
    club.choose()
    club.check()

    _work(url, chance, clock, kills=1)
    checked = club.job
    club.run()
    kills = _work(url, chance, clock)
    done = club.job
    store.clock.now += timedelta(seconds=next(clock))
    club.undo()
    kills += _work(url, chance, clock)

    half = PEOPLE // 2
    assert kills >= KILLS
    assert (checked.state, done.state) == (ImportState.CHECKED, ImportState.DONE)
    assert checked.counts == done.counts == ImportCounts(made=half, changed=half, rejected=1)
    assert (done.people, len(club.rejects())) == (PEOPLE, 1)
    assert (club.job.state, club.job.undone) == (ImportState.UNDONE, PEOPLE)
    assert club.people() == before
    assert_sound(store.sql_database)


def _work(url: str, chance: random.Random, clock: "count[int]", *, kills: int = KILLS) -> int:
    """Kill workers until one ends by itself; returns how many were killed before they ended."""
    killed = 0
    while True:
        command = [sys.executable, "-m", "tests.store.imports.worker_process", url, str(next(clock))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            if killed < kills:
                time.sleep(chance.random() * 0.15)
                worker.kill()
            if worker.stdout.readline() == "done\n":
                worker.wait()
                return killed
        killed += 1
