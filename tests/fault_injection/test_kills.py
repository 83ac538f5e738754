"""Identifier changes under kill -9 of the worker, of writers, of the database, at any moment.

A run is known by its number: what happens in it follows from that. ``make proof`` makes 110 of 20 000 people on each
database; one that fails is repeated by ``-k "postgres-17]"``, in the long form with WORKSPACE_OPERATOR_PROOF=1. What
was killed where and how often is printed with ``--capture=no``.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from tests.fault_injection.actions import TEST_WRITER
from tests.fault_injection.checks import invariants
from tests.fault_injection.checks.snapshots import StoreSnapshot, snapshot_of
from tests.fault_injection.environments import Environment, PostgresEnvironment, SQLiteEnvironment
from tests.fault_injection.faults.schedules import schedule_of
from tests.fault_injection.processes import be_ready
from tests.fault_injection.runs import Run
from tests.fault_injection.workload.ledger import Ledger, Log
from tests.fault_injection.workload.population import WRITERS, SeedPerson, population_of
from tests.postgres import own_postgres
from tests.store.invariants import assert_sound
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.databases import Database

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

# Connections of a killed server are never closed.
pytestmark = pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def processes() -> None:
    with pytest.MonkeyPatch.context() as environment:
        be_ready(environment.setenv)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SQLiteEnvironment:
    return SQLiteEnvironment(folder=tmp_path_factory.mktemp("kills"), people=PEOPLE)


@pytest.fixture(scope="module")
def durable_postgres() -> Iterator[PostgresEnvironment]:
    with own_postgres() as server:
        yield PostgresEnvironment(server=server, people=PEOPLE)


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[str]]:
    """Counts of the faults and results of all runs."""
    counts: Counter[str] = Counter()
    yield counts
    for what, times in sorted(counts.items()):
        print(f"{times:6} {what}")


@pytest.mark.parametrize(("arena", "number"), RUNS)
def test_killed_migration_ends_as_people_demand(
    request: pytest.FixtureRequest, tmp_path: Path, tally: Counter[str], arena: str, number: int
) -> None:
    carried_out = carry_out(request.getfixturevalue(arena), number, tmp_path)

    tally.update(carried_out)


def carry_out(arena: Environment, number: int, folder: Path) -> Counter[str]:
    """Carry out one run and check all invariants, since each check would otherwise need its own run."""
    plan = schedule_of(number)
    population = population_of(plan.scenario.population, arena.people)
    with arena.target(plan.scenario.population) as target:
        database = Database(target.url)
        run = Run(plan=plan, environment=arena, target=target, folder=folder, population=population, database=database)
        run.carry_out()
        accounts = ledger_of(run)
        store = snapshot_of(database)
        wrong = list(islice(failures(run, store, accounts, population), 20))
        print(plan, *wrong, sep="\n")
        try:
            assert wrong == []
            assert_sound(database, at_rest=store.migration["stage"] != Stage.BLOCKED)
        finally:
            database.close()
    assert accounts.calls > 0
    assert run.reads > 0
    outcome = f"{arena.name}: {plan.scenario.name} ended {store.migration['stage']} in mode {store.mode}"
    faults = Counter({f"{arena.name}: killed {what}": times for what, times in run.fault_counts.items()})
    return faults + Counter({outcome: 1, f"{arena.name}: calls": accounts.calls, f"{arena.name}: reads": run.reads})


def ledger_of(run: Run) -> Ledger:
    accounts = Ledger()
    for writer in (*range(WRITERS), TEST_WRITER):
        accounts.read(Log(run.log_of(writer)))
    return accounts


def failures(run: Run, store: StoreSnapshot, accounts: Ledger, population: Sequence[SeedPerson]) -> Iterator[str]:
    """All failures as text."""
    yield from run.failures
    yield from accounts.failures
    scenario = run.plan.scenario
    yield from invariants.final_stage_matches_people(scenario, store)
    yield from invariants.no_person_is_lost(store, population, accounts)
    yield from invariants.people_match_results(store, population, accounts)
    yield from invariants.merges_are_in_the_journal(store, population, merging=run.merges)
    yield from invariants.records_are_complete(store, population, accounts)
    yield from invariants.cut_over_is_atomic(scenario, accounts)
    yield from invariants.addresses_have_their_keys(store)
