"""A check that writes are possible."""

from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

import sqlalchemy as sa

from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import cluster_heartbeat
from workspace_operator.store.schema.upgrades import require_stable_schema


@dataclass(frozen=True, slots=True)
class SQLWritePath:
    """Implements the port ``WritePath``."""

    database: Database

    def check_writable(self) -> None:
        """Check the schema, and insert and delete a row in one transaction, so that the row is never visible.

        The transaction is still written to the log, which detects a full disk, a read-only server, and an unavailable
        synchronous standby. The row has a random key, so that two checks do not wait for each other.
        """
        cluster = f"write check {token_hex(8)}"
        row = {"cluster": cluster, "beats": 0, "beat_at": datetime.now(UTC)}

        def work(connection: sa.Connection) -> None:
            require_stable_schema(connection, self.database.name)
            connection.execute(sa.insert(cluster_heartbeat).values(row))
            connection.execute(sa.delete(cluster_heartbeat).where(cluster_heartbeat.c.cluster == cluster))

        self.database.writing(work)
