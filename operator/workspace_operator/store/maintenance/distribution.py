"""Distribution of a whole database over a Citus cluster: implements the port ``DatabaseDistribution``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import PlacedTable
from workspace_operator.errors import InvalidInput, StoreRefused
from workspace_operator.store.engine.databases import LOCK_TIMEOUT_SECONDS, Database
from workspace_operator.store.schema.distribution import (
    Distribution,
    Placement,
    place_table,
    read_distribution,
    require_no_misplaced,
)
from workspace_operator.store.schema.upgrades import lock_schema, upgrade_tables

_NEEDS_CITUS: Final = (
    "is not one of Citus: create the extension with `CREATE EXTENSION citus`, add the machines, and run this again "
    "(docs/distributed.md)"
)
_IS_FILE: Final = (
    "is a SQLite file, which is not distributed; copy its people to PostgreSQL first (docs/distributed.md)"
)


@dataclass(frozen=True, slots=True)
class SQLDistribution:
    """Implements the port ``DatabaseDistribution``; the database is not prepared."""

    database: Database

    def distribute(self, *, shards: int | None, default_shards: int) -> Iterator[PlacedTable]:
        """Upgrade the schema, then distribute each table that is not, in a transaction of its own."""
        if self.database.is_sqlite:
            raise InvalidInput(f"the database {self.database.name} {_IS_FILE}", field="database")
        self._read()
        upgrade_tables(self.database)
        before = self._read()
        require_no_misplaced(before, self.database.name)
        if shards is not None and before.shards not in (None, shards):
            raise InvalidInput(_other_shards(self.database.name, before.shards), field="shards")
        for name in before.missing:
            placement = self._place(name, shards or default_shards)
            if placement is not None:
                yield PlacedTable(name=name, placement=placement.value)

    def shards(self) -> int:
        """The number of shards of each table."""
        return self._read().shards or 0

    def limit_role(self) -> str | None:
        """Have a lock be waited for as briefly on all machines, outside of transactions as well."""
        with self.database.reading() as connection:
            role, database = connection.execute(_NAMES).one()
        statement = f"ALTER ROLE {role} IN DATABASE {database} SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"
        try:
            self.database.writing(lambda connection: connection.exec_driver_sql(statement))
        except StoreRefused:  # a role that administrators manage
            return statement
        return None

    def _read(self) -> Distribution:
        with self.database.reading() as connection:
            distribution = read_distribution(connection)
        if distribution is None:
            raise InvalidInput(f"the database {self.database.name} {_NEEDS_CITUS}", field="database")
        return distribution

    def _place(self, name: str, shards: int) -> Placement | None:
        """Distribute one table; None if another process has done it meanwhile."""

        def work(connection: sa.Connection) -> Placement | None:
            lock_schema(connection)
            current = read_distribution(connection)
            if current is None or name not in current.missing:
                return None
            return place_table(connection, name, shards=shards)

        return self.database.writing(work)


def _other_shards(name: str, shards: int | None) -> str:
    return (
        f"the tables of the database {name} have {shards} shards already. To change that, run "
        "`SELECT alter_distributed_table('workspace_lock', shard_count => N, cascade_to_colocated => true)`"
    )


_NAMES: Final = sa.text("SELECT quote_ident(current_user), quote_ident(current_database())")
