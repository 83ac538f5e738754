"""Citus, the extension of PostgreSQL that distributes tables over several machines: which connections lead to it.

Each connection is asked once, when it is made, together with what it is asked anyway. Statements that Citus would plan
or report badly have another form there; every other PostgreSQL gets the faster one (docs/distributed.md).
"""

from typing import Final

import sqlalchemy as sa

HAS_CITUS: Final = "to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"
"""An expression: whether the database has the extension."""

CONNECTION_KEY: Final = "is_citus"
"""Key of the answer in ``info`` of a connection."""

PROPAGATE_LIMITS: Final = "SET LOCAL citus.propagate_set_commands = 'local'; "
"""Has the limits that follow in a transaction hold on the machines of the shards, too. It is not for `set_config`."""


def is_citus(connection: sa.Connection) -> bool:
    """Whether the database of a connection has the extension, be its tables distributed or not."""
    return bool(connection.info.get(CONNECTION_KEY, False))
