"""Identifier changes under kill -9 of the worker, of writers, of the database, at any moment.

A run is known by its number: what happens in it follows from that. ``make proof`` makes 110 of 20 000 people on each
database; one that fails is repeated by ``-k "postgres-17]"``, in the long form with WORKSPACE_OPERATOR_PROOF=1. What
was killed where, how often, is told with ``--capture=no``.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from tests.kills import demands
from tests.kills.accounts import Accounts, Log
from tests.kills.actors import be_ready
from tests.kills.arenas import Arena, PostgresArena, SQLiteArena
from tests.kills.crowds import WRITERS, Someone, crowd_of
from tests.kills.deeds import OWN
from tests.kills.plans import plan_of
from tests.kills.readings import Store, store_of
from tests.kills.runs import Run
from tests.postgres import own_postgres
from tests.store.invariants import assert_sound
from tests.stress.soundness import faults
from workspace_operator.migrations.stages import Stage
from workspace_operator.store.engines import Database

IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
PEOPLE = 20_000 if IS_PROOF else 2_000
PROOF = range(110)
SHORT = {"sqlite": (0, 2, 4, 6, 7, 10), "durable_postgres": (1, 3, 4, 5, 8, 9)}
"""Together every scenario, and those with most to them on both databases."""

RUNS = [
    pytest.param(arena, number, marks=[pytest.mark.postgres] if arena != "sqlite" else [])
    for arena, numbers in SHORT.items()
    for number in (PROOF if IS_PROOF else numbers)
]

# What is open when its server is killed is nobody's to close any more.
pytestmark = pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def processes() -> None:
    with pytest.MonkeyPatch.context() as environment:
        be_ready(environment.setenv)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SQLiteArena:
    return SQLiteArena(folder=tmp_path_factory.mktemp("kills"), people=PEOPLE)


@pytest.fixture(scope="module")
def durable_postgres() -> Iterator[PostgresArena]:
    with own_postgres() as server:
        yield PostgresArena(server=server, people=PEOPLE)


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[str]]:
    """What happened in all runs."""
    counts: Counter[str] = Counter()
    yield counts
    for what, times in sorted(counts.items()):
        print(f"{times:6} {what}")


@pytest.mark.parametrize(("arena", "number"), RUNS)
def test_killed_change_ends_as_people_demand(
    request: pytest.FixtureRequest, tmp_path: Path, tally: Counter[str], arena: str, number: int
) -> None:
    carried_out = carry_out(request.getfixturevalue(arena), number, tmp_path)

    tally.update(carried_out)


def carry_out(arena: Arena, number: int, folder: Path) -> Counter[str]:
    """Make one run, and look at it from all sides: each look would need a run of its own otherwise."""
    plan = plan_of(number)
    crowd = crowd_of(plan.scenario.crowd, arena.people)
    with arena.ground(plan.scenario.crowd) as ground:
        database = Database(ground.url)
        run = Run(plan=plan, arena=arena, ground=ground, folder=folder, crowd=crowd, database=database)
        run.carry_out()
        accounts = accounts_of(run)
        store = store_of(database)
        wrong = list(islice(wrongs(run, store, accounts, crowd), 20))
        print(plan, *wrong, sep="\n")
        try:
            assert wrong == []
            assert_sound(database, at_rest=store.change["stage"] != Stage.BLOCKED)
            assert list(faults(database)) == []
        finally:
            database.close()
    assert accounts.calls > 0
    assert run.looks > 0
    outcome = f"{arena.name}: {plan.scenario.name} ended {store.change['stage']} in mode {store.mode}"
    struck = Counter({f"{arena.name}: killed {what}": times for what, times in run.struck.items()})
    return struck + Counter({outcome: 1, f"{arena.name}: calls": accounts.calls, f"{arena.name}: looks": run.looks})


def accounts_of(run: Run) -> Accounts:
    accounts = Accounts()
    for writer in (*range(WRITERS), OWN):
        accounts.read(Log(run.log_of(writer)))
    return accounts


def wrongs(run: Run, store: Store, accounts: Accounts, crowd: Sequence[Someone]) -> Iterator[str]:
    """All that is wrong, in words."""
    yield from run.wrongs
    yield from accounts.wrongs
    scenario = run.plan.scenario
    yield from demands.ends_as_people_demand(scenario, store)
    yield from demands.nobody_is_lost(store, crowd, accounts)
    yield from demands.everybody_is_as_told(store, crowd, accounts)
    yield from demands.merges_are_journalled(store, crowd, merging=run.merges)
    yield from demands.belongings_are_whole(store, crowd, accounts)
    yield from demands.everybody_switched_at_once(scenario, accounts)
    yield from demands.addresses_have_their_keys(store)
