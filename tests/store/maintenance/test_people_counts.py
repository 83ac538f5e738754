"""The number of people in a description: counted, or PostgreSQL's estimate, which reads no people."""

import pytest
import sqlalchemy as sa

from tests.store.backends import Store, recorded_statements
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.maintenance.inspections import SQLInspection

COUNT = "SELECT count(*) FROM person"


@pytest.fixture
def three_people(sql: Store) -> Store:
    """A store with three people, as its statistics say, and a fourth since."""
    env = WorkspaceEnv.create(sql, Mode.ID_ONLY)
    env.add_many(dict.fromkeys("123"))
    sql.sql_database.writing(lambda connection: connection.execute(sa.text("ANALYZE person")))
    env.add("4")
    return sql


@pytest.mark.parametrize("is_asked", [False, True])
def test_estimate_replaces_the_count_unless_asked(three_people: Store, is_asked: bool) -> None:
    database = three_people.sql_database

    with recorded_statements(database) as sent:
        description = SQLInspection(database).describe(counts_people=is_asked)

    is_counted = is_asked or database.is_sqlite
    assert (description.people, description.are_people_counted) == ((4, True) if is_counted else (3, False))
    assert any(COUNT in text for text, _ in sent) == is_counted


def test_people_are_counted_before_the_first_analyze(sql: Store) -> None:
    database = sql.sql_database
    if not database.is_sqlite:
        database.writing(lambda connection: connection.execute(sa.text("TRUNCATE person")))
    WorkspaceEnv.create(sql, Mode.ID_ONLY).add("1")

    description = SQLInspection(database).describe()

    assert (description.people, description.are_people_counted) == (1, True)
