"""The check of `tests.store.pruning` finds a statement that concerns several workspaces."""

import pytest
import sqlalchemy as sa

from tests.store.backends import empty, sql_store
from tests.store.bulk_data import add_sharers
from tests.store.fixtures import WorkspaceEnv
from tests.store.pruning import PruningCheck
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import CompiledStatement
from workspace_operator.store.repositories import person_records
from workspace_operator.store.schema.tables import activity
from workspace_operator.store.unit_of_work import loader

pytestmark = pytest.mark.postgres


@pytest.fixture
def env(partitioned_database: Database) -> WorkspaceEnv:
    empty(partitioned_database)
    env = WorkspaceEnv.create(sql_store(partitioned_database), Mode.EMAIL_OR_ID)
    add_sharers(env)
    return env


def test_query_without_the_workspace_is_found(env: WorkspaceEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = sa.select(activity.c.activity_id).where(activity.c.activity_id < sa.bindparam("before")).limit(1)
    monkeypatch.setattr(person_records, "_ANY_OLD", wide)
    check = PruningCheck(env.store.sql_database)

    with pytest.raises(AssertionError, match=r"_has_older touches several partitions of activity: S"), check.checked():
        env.store.person_records.purge_activities(before=env.store.clock(), size=1)


def test_compiled_statement_without_the_workspace_is_found(env: WorkspaceEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go to the driver past SQLAlchemy."""
    text = "UPDATE identifier SET cio_id = cio_id WHERE value_key = %(ids)s RETURNING 0, 0, '', ''"
    monkeypatch.setattr(loader, "_READING", CompiledStatement(lambda _: sa.text(text.replace("%(ids)s", ":ids"))))
    check = PruningCheck(env.store.sql_database)

    with pytest.raises(AssertionError, match=r"_read touches several partitions of identifier: U"), check.checked():
        env.find(id="1")


def test_statements_of_the_store_are_planned(env: WorkspaceEnv) -> None:
    check = PruningCheck(env.store.sql_database)

    with check.checked():
        env.find(id="1")
        env.identify_person(id="1", body={"plan": "a"})

    origins = {origin for origin in check.origins.values() if origin}
    assert {"loader._read", "workspace_lock.read_settings"} <= origins
