"""Workers are killed while they apply and undo a cleanup: every person is as before or as decided, none is lost."""

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
import sqlalchemy as sa

from tests.postgres import Postgres
from tests.store.backends import Store, sql_store, upgraded
from tests.store.cleanups.cleanup_env import ACTOR, CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from tests.store.invariants import assert_sound
from workspace_operator.application.ports import DecisionRequest
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, correct_to, merge_into
from workspace_operator.cleanups.model import CleanupState, Outcome
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.schema.cleanup_tables import cleanup_record

IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
GROUPS = 400 if IS_PROOF else 60
KILLS = 50 if IS_PROOF else 3
"""Of each of the two: applying and undoing."""

CHOICES = (merge_into("survivor"), CLEAR, DELETE, correct_to("new"))


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


def test_killed_workers_lose_nobody(to_kill: tuple[Store, str]) -> None:
    store, url = to_kill
    chance, clock = random.Random(7), count(60, 60)
    draft = CleanupEnv.blocked(
        WorkspaceEnv.create(store, Mode.ID_ONLY),
        {f"m-{group}-{each}": f"g{group}@example.com" for group in range(GROUPS) for each in range(3)},
    )
    wanted = _decide(draft, chance)
    before = {person.cio_id: person for person in draft.people()}

    draft.apply()
    kills = _killed_often(url, chance, clock, lambda: _everybody_is_as_before_or_decided(draft, before, wanted))
    assert (draft.cleanup.state, draft.cleanup.applied) == (CleanupState.APPLIED, len(wanted))
    store.clock.now += timedelta(seconds=next(clock))
    draft.undo()
    kills += _killed_often(url, chance, clock, lambda: _everybody_is_as_before_or_decided(draft, before, wanted))

    assert kills >= KILLS
    assert draft.cleanup.state is CleanupState.UNDONE
    assert {person.cio_id: person for person in draft.people()} == before
    assert_sound(draft.env.store.sql_database)


def _decide(draft: CleanupEnv, chance: random.Random) -> dict[str, Decision]:
    """The first of each group is kept; the others are merged into it, cleared, deleted or corrected."""
    wanted: dict[str, Decision] = {}
    for group in range(GROUPS):
        survivor, *others = (draft.cio_ids[f"m-{group}-{each}"] for each in range(3))
        wanted[survivor] = KEEP
        for number, other in enumerate(others):
            chosen = chance.choice(CHOICES)
            if chosen.survivor:
                chosen = merge_into(survivor)
            elif chosen.email:
                chosen = correct_to(f"new-{group}-{number}@example.com")
            wanted[other] = chosen
    requests = [DecisionRequest(cio_id, decision) for cio_id, decision in wanted.items()]
    decided = draft.cleanups.decide(
        draft.env.workspace_id, draft.number, requests, actor=ACTOR, now=draft.env.store.clock()
    )
    assert {result.refusal for result in decided.results} == {None}
    assert draft.cleanup.people_blocking_after == 0
    return wanted


def _killed_often(url: str, chance: random.Random, clock: "count[int]", check: object) -> int:
    """Kill workers until one ends by itself; returns how many were killed before they ended."""
    assert callable(check)
    kills = 0
    while True:
        command = [sys.executable, "-m", "tests.store.cleanups.worker_process", url, str(next(clock))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            if kills < KILLS:
                time.sleep(chance.random() * 0.15)
                worker.kill()
            if worker.stdout.readline() == "done\n":
                worker.wait()
                return kills
        kills += 1
        check()


def _everybody_is_as_before_or_decided(
    draft: CleanupEnv, before: dict[str, Person], wanted: dict[str, Decision]
) -> None:
    people = {person.cio_id: person for person in draft.people()}
    stored = draft.cleanups.decisions(draft.env.workspace_id, draft.number, limit=10_000)
    done = {each.cio_id for each in stored if each.outcome is Outcome.APPLIED}
    records = sa.select(cleanup_record.c.cio_id).filter_by(workspace_id=draft.env.workspace_id)
    with draft.env.store.sql_database.reading() as connection:
        recorded = set(connection.execute(records).scalars())
    for cio_id, decision in wanted.items():
        person = people.get(cio_id)
        if cio_id in done and decision.removes_person:
            assert person is None
        elif cio_id in done:
            assert person is not None
            assert person.email == (before[cio_id].email if decision == KEEP else decision.email)
        else:
            assert person == before[cio_id]
        assert (cio_id in recorded) == (cio_id in done and decision.survivor is None and decision != KEEP)
