"""A small write that tests all that any other one needs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

import sqlalchemy as sa

from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.directory_tables import cluster_heartbeat


@dataclass(frozen=True, slots=True)
class SQLWritePath:
    """Implements the port ``WritePath``."""

    database: Database

    def check_writable(self) -> None:
        """Commit a row that is inserted and deleted in one transaction, so that nobody ever sees it.

        It is written to the log all the same: a full disk, a read-only server and a synchronous standby that is away
        are found. The row has a random key, so that no two checks wait for each other.
        """
        cluster = f"write check {token_hex(8)}"
        row = {"cluster": cluster, "beats": 0, "beat_at": datetime.now(UTC)}

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.insert(cluster_heartbeat).values(row))
            connection.execute(sa.delete(cluster_heartbeat).where(cluster_heartbeat.c.cluster == cluster))

        self.database.writing(work)
