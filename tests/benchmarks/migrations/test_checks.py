"""The four checks with all counts against the bare indexed duplicate query: goal at most 1.4 times."""

import os
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.benchmarks.bulk_data import fill_people
from tests.benchmarks.measurement import alternating, print_table
from tests.benchmarks.migrations.environments import new_database
from tests.store.backends import upgraded
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.migrations import SQLMigrations

PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
MANY = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_MANY", "5000000"))
GOAL = 1.4
WORKSPACE = 1
BARE = sa.text(
    "SELECT email_key, count(*) FROM person WHERE workspace_id = :workspace_id AND email_key IS NOT NULL"
    " GROUP BY email_key HAVING count(*) > 1"
)


@pytest.fixture(
    params=[
        ("SQLite", PEOPLE),
        pytest.param(("PostgreSQL", PEOPLE), marks=pytest.mark.postgres),
        pytest.param(("PostgreSQL", MANY), marks=pytest.mark.postgres),
    ]
)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, int]]:
    """A database with one large workspace, and the number of its people; the server is this test's own."""
    title, people = request.param
    with new_database(title, tmp_path_factory.mktemp("checks")) as url:
        database = upgraded(url)
        fill_people(database, WORKSPACE, people)
        yield database, people
        database.close()


@pytest.mark.bench
def test_checks_cost_little_more_than_a_scan(filled: tuple[Database, int]) -> None:
    database, number = filled
    migrations = SQLMigrations(database)

    def bare() -> None:
        with database.reading() as connection:
            connection.execute(BARE, {"workspace_id": WORKSPACE}).all()

    compared = alternating(lambda: migrations.check(WORKSPACE), bare)

    people, found = migrations.check(WORKSPACE)
    violations = (found.duplicate_email, found.invalid_email, found.suppressed_email, found.id_is_another_email)
    print_table(
        f"Four checks with all counts, {people.total:,} people, {database.engine.dialect.name}",
        [
            ("bare duplicate query, best", "", f"{min(compared.bare):.3f} s"),
            ("four checks, best", "", f"{min(compared.ours):.3f} s"),
            ("ratio of the best", f"<= {GOAL}", f"{compared.best_ratio:.2f}"),
            ("ratio, median of the pairs", f"<= {GOAL}", f"{compared.median_ratio:.2f}"),
            ("share, invalid, suppressed, id", "", ", ".join(f"{each:,}" for each in violations)),
        ],
    )
    assert people.total == number
    assert min(compared.best_ratio, compared.median_ratio) <= GOAL
