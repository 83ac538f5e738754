"""Distribution of the tables over the machines of a Citus cluster.

The tables of people are split into shards by ``workspace_id``, so that all rows of a workspace are on one machine.
Every machine has the whole directory (reference tables), so that it can be joined there. Mailrooms and Alembic's table
stay on the coordinator: senders lock single mailrooms, while Citus locks a reference table as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import sqlalchemy as sa

from workspace_operator.errors import UnsupportedSchema
from workspace_operator.store.engine.citus import is_citus
from workspace_operator.store.engine.sql import set_local
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import mailroom
from workspace_operator.store.schema.tables import DIRECTORY_TABLES, WORKSPACE_TABLES, workspace_lock

DISTRIBUTION_COLUMN: Final = "workspace_id"
COORDINATOR_TABLES: Final = (mailroom,)
REFERENCE_TABLES: Final = tuple(table for table in DIRECTORY_TABLES if table not in COORDINATOR_TABLES)
_FIRST_TABLE: Final = workspace_lock
"""The other tables are split like this one."""

MAX_NAMES: Final = 5
"""Tables that a message names."""


class Placement(Enum):
    """Where the rows of a table are; the values are shown."""

    COORDINATOR = "on the coordinator"
    REFERENCE = "on every machine"
    SHARDS = f"in shards by {DISTRIBUTION_COLUMN}"
    OTHER = "in another way"
    """By another column, or in shards that are not those of the other tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How a database is distributed.

    Attributes:
        placements: by name of table, in the order in which tables are distributed; only tables that exist.
        shards: number of shards of each table; None before the first table has any.
    """

    placements: Mapping[str, Placement]
    shards: int | None = None

    @property
    def is_distributed(self) -> bool:
        """Whether any table is."""
        return any(placement is not Placement.COORDINATOR for placement in self.placements.values())

    @property
    def missing(self) -> Sequence[str]:
        """Tables that are still on the coordinator only, in the order in which to distribute them."""
        return [
            name
            for name, placement in self.placements.items()
            if placement is Placement.COORDINATOR and _WANTED[name] is not Placement.COORDINATOR
        ]

    @property
    def misplaced(self) -> Sequence[str]:
        """Tables that are distributed, but not as they should be."""
        return [
            name
            for name, placement in self.placements.items()
            if placement not in (_WANTED[name], Placement.COORDINATOR)
        ]


_WANTED: Final[Mapping[str, Placement]] = {
    **{table.name: Placement.REFERENCE for table in REFERENCE_TABLES},
    _FIRST_TABLE.name: Placement.SHARDS,
    **{table.name: Placement.SHARDS for table in WORKSPACE_TABLES},
    **{table.name: Placement.COORDINATOR for table in COORDINATOR_TABLES},
}


def read_distribution(connection: sa.Connection) -> Distribution | None:
    """Read how the tables are distributed; None without Citus, where nothing is asked."""
    if not is_citus(connection):
        return None
    rows = {row.name: row for row in connection.execute(_CATALOGUE, {"tables": list(_WANTED)})}
    first = rows.get(_FIRST_TABLE.name)
    group = first.colocationid if first is not None else None
    placements = {name: _placement(rows[name], group) for name in _WANTED if name in rows}
    is_split = placements.get(_FIRST_TABLE.name) is Placement.SHARDS
    shards = connection.execute(_SHARD_COUNT, {"group": group}).scalar_one() if is_split else None
    return Distribution(placements=placements, shards=shards)


def _placement(row: Row, group: int | None) -> Placement:
    kind = (row.partmethod, row.repmodel)
    if kind == (None, None) or (kind == ("n", "s") and row.colocationid == 0):  # unknown to Citus, or kept local by it
        return Placement.COORDINATOR
    if kind == ("n", "t"):
        return Placement.REFERENCE
    is_split = (row.partmethod, row.column, row.colocationid) == ("h", DISTRIBUTION_COLUMN, group)
    return Placement.SHARDS if is_split else Placement.OTHER


def require_complete_distribution(connection: sa.Connection, name: str) -> None:
    """Raise UnsupportedSchema if the tables of the database ``name`` are distributed only in part, or otherwise."""
    distribution = read_distribution(connection)
    if distribution is None or not distribution.is_distributed:
        return
    require_no_misplaced(distribution, name)
    if distribution.missing:
        raise UnsupportedSchema(f"the database {name} is {describe_missing(distribution)}", field="database")


def describe_missing(distribution: Distribution) -> str:
    """What lacks a distribution that is not complete, and what to do."""
    return (
        f"distributed in part: {_listed(distribution.missing)} on the coordinator only. Stop all processes that use "
        "it, and run `workspacectl database distribute`"
    )


def require_no_misplaced(distribution: Distribution, name: str) -> None:
    """Raise UnsupportedSchema if tables are distributed in another way than this program needs."""
    if distribution.misplaced:
        raise UnsupportedSchema(f"the database {name} is {describe_misplaced(distribution)}", field="database")


def describe_misplaced(distribution: Distribution) -> str:
    """Which tables are distributed in another way, and what to do."""
    return (
        f"distributed in another way than by {DISTRIBUTION_COLUMN}: {_listed(distribution.misplaced)}. Stop all "
        "processes that use it, run `SELECT undistribute_table('TABLE')` for each, and then "
        "`workspacectl database distribute`"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"


def place_table(connection: sa.Connection, name: str, *, shards: int | None = None) -> Placement:
    """Distribute one table, in a write transaction. Rows that it has are moved.

    The first table with shards must be distributed before the others, and needs ``shards``; they have as many.
    """
    has_rows = connection.execute(sa.text(f"SELECT EXISTS (SELECT FROM {name})")).scalar_one()  # noqa: S608 - our own name
    if _WANTED[name] is Placement.REFERENCE:
        connection.execute(_REFERENCE, {"name": name})
    elif name == _FIRST_TABLE.name:
        connection.execute(_SPLIT, {"name": name, "column": DISTRIBUTION_COLUMN, "shards": shards})
    else:
        values = {"name": name, "column": DISTRIBUTION_COLUMN, "first": _FIRST_TABLE.name}
        connection.execute(_SPLIT_ALIKE, values)
    if has_rows:
        # Citus keeps a hidden copy on the coordinator, from which a later deletion of a person removes nothing.
        connection.execute(_REMOVE_COPY, {"name": name})
    return _WANTED[name]


def place_new_tables(connection: sa.Connection) -> None:
    """Distribute the tables that the transaction has created in a distributed database."""
    distribution = read_distribution(connection)
    for name in distribution.missing if distribution is not None else ():
        place_table(connection, name)


def modify_shards_in_turn(connection: sa.Connection) -> None:
    """Have Citus change shards over one connection to each machine, so that one transaction can make tables, too."""
    set_local(connection, {"citus.multi_shard_modify_mode": "sequential"})


_CATALOGUE: Final = sa.text(
    """
    SELECT name, part.partmethod, part.repmodel, part.colocationid,
        CASE WHEN part.partkey IS NOT NULL THEN column_to_column_name(part.logicalrelid, part.partkey) END AS column
    FROM unnest(CAST(:tables AS text[])) AS name
    LEFT JOIN pg_catalog.pg_dist_partition AS part ON part.logicalrelid = to_regclass(name)
    WHERE to_regclass(name) IS NOT NULL
    """
)
_SHARD_COUNT: Final = sa.text("SELECT shardcount FROM pg_catalog.pg_dist_colocation WHERE colocationid = :group")
_REFERENCE: Final = sa.text("SELECT create_reference_table(:name)")
_SPLIT: Final = sa.text("SELECT create_distributed_table(:name, :column, shard_count => :shards)")
_SPLIT_ALIKE: Final = sa.text("SELECT create_distributed_table(:name, :column, colocate_with => :first)")
_REMOVE_COPY: Final = sa.text("SELECT truncate_local_data_after_distributing_table(:name)")
