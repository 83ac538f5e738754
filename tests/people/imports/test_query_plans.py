"""What a batch asks the database, which must not grow with the people who are there."""

from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.tables import identifier, person
from workspace_operator.store.schema.upgrades import upgrade


def test_named_keys_are_searched_for(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/store.db", prepare=upgrade)) as database:
        by_key = sa.select(identifier.c.cio_id).where(
            identifier.c.workspace_id == 1, identifier.c.kind == 1, any_of(identifier.c.value_key, ["a", "b"])
        )
        by_cio_id = sa.delete(person).where(person.c.workspace_id == 1, any_of(person.c.cio_id, ["a"]))

        with database.reading() as connection:
            plans = [_plan(connection, statement) for statement in (by_key, by_cio_id)]

        assert plans[0].startswith("SEARCH identifier USING PRIMARY KEY (workspace_id=? AND kind=? AND value_key=?)")
        assert plans[1].startswith("SEARCH person USING PRIMARY KEY (workspace_id=? AND cio_id=?)")


def _plan(connection: sa.Connection, statement: sa.Executable) -> str:
    compiled = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
    parameters = tuple(compiled.params[name] for name in compiled.positiontup)
    return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", parameters).first()[3])  # type: ignore[index]
