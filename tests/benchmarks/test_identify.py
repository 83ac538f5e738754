"""One durable identify through the use case: against a bare upsert, and at 1 M people against 10 k."""

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.benchmarks.bulk_data import fill_people
from tests.benchmarks.measurement import alternating, databases, print_table
from tests.benchmarks.migrations.environments import new_database
from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import create, owner
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import People
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.people import SQLPeople

MANY = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
FEW = MANY // 100
CALLS = 1000
NOW = 1_800_000_000
BARE = (
    "INSERT INTO bare VALUES (1, %s, %s) ON CONFLICT (workspace_id, id) DO UPDATE SET attributes = excluded.attributes"
)

Work = Callable[[], None]


def identifying(people: People, workspace_id: int, ids: int) -> Work:
    """CALLS calls, each alone, that change an attribute of somebody of the workspace."""
    rng, numbers = random.Random(7), count()

    def work() -> None:
        for _ in range(CALLS):
            reference = reference_of_kind(f"user-{rng.randrange(ids)}", IdentifierKind.ID, Mode.ID_ONLY)
            execute_commands(people, workspace_id, [identify_from_fields(reference, body(next(numbers)))], now=NOW)

    return work


def body(number: int) -> dict[str, object]:
    return {"plan": "pro", "city": "Oslo", "score": number, "language": "no", "source": "web"}


def filled(database: Database, name: str, people: int) -> int:
    """A workspace with so many people; its number."""
    store = sql_store(database)
    workspace_id = create(store, owner(name), mode=Mode.ID_ONLY, display_name=name).workspace_id
    fill_people(database, workspace_id, people)
    return workspace_id


@contextmanager
def upserting(url: str, people: int) -> Iterator[Work]:
    """CALLS bare upserts of as much by psycopg alone, each committed, on a table of its own."""
    rng, numbers = random.Random(7), count()
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, prepare_threshold=0) as connection:
        connection.execute(
            'CREATE TABLE bare (workspace_id bigint, id text COLLATE "C", attributes json, '
            "PRIMARY KEY (workspace_id, id))"
        )
        connection.execute(
            "INSERT INTO bare SELECT 1, 'user-' || n, %s FROM generate_series(0, %s) n", (json.dumps(body(0)), people)
        )
        connection.execute("VACUUM ANALYZE bare")

        def work() -> None:
            for _ in range(CALLS):
                connection.execute(BARE, (f"user-{rng.randrange(people)}", json.dumps(body(next(numbers)))))

        yield work


@pytest.mark.bench
@pytest.mark.postgres
def test_identify_against_a_bare_upsert(tmp_path: Path) -> None:
    with new_database("PostgreSQL", tmp_path) as url, closing(upgraded(url)) as database:
        workspace_id = filled(database, "shop", FEW)
        with upserting(url, FEW) as bare:
            compared = alternating(identifying(SQLPeople(database), workspace_id, FEW), bare, runs=9)

    rate, bare_rate = CALLS / min(compared.ours), CALLS / min(compared.bare)
    print_table(
        f"One durable identify, PostgreSQL, one client, {FEW} people",
        [
            ("of a bare upsert's rate, best of 9", "0.40", f"{1 / compared.best_ratio:.2f}"),
            ("the same, median of pairs", "", f"{1 / compared.median_ratio:.2f}"),
            ("calls a second", "", f"{rate:.0f} of {bare_rate:.0f}"),
        ],
    )


@pytest.mark.bench
@databases
def test_identify_takes_as_long_among_many(title: str, tmp_path: Path) -> None:
    with new_database(title, tmp_path) as url, closing(upgraded(url)) as database:
        few, many = filled(database, "few", FEW), filled(database, "many", MANY)
        people = SQLPeople(database)
        compared = alternating(identifying(people, many, MANY), identifying(people, few, FEW), runs=9)

    print_table(
        f"One identify at {MANY} people against {FEW}, {title}",
        [
            ("time, best of 9", "1.3", f"{compared.best_ratio:.2f}"),
            ("time, median of pairs", "", f"{compared.median_ratio:.2f}"),
        ],
    )
