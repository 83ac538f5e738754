"""Detection of concurrent writers, from counters that the database keeps anyway."""

from dataclasses import dataclass, field

import sqlalchemy as sa

CONTENTION_THRESHOLD = 10
"""Other transactions between two probes above which the worker yields to them; on SQLite one is enough."""

# One past the newest ended transaction; each transaction that writes or locks a row has a number.
_NEXT_TRANSACTION = sa.text("SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)")

# A number that changes when another connection has written.
_DATA_VERSION = sa.text("PRAGMA data_version")


@dataclass(slots=True)
class ContentionProbe:
    """Compares the transaction counters of the database between the probes of one worker."""

    _last_transaction: int | None = field(default=None, init=False)

    def others_wrote(self, connection: sa.Connection, *, own_transactions: int = 1) -> bool:
        """Whether other connections wrote since the last probe.

        The connection is in a write transaction; on SQLite, it is the connection of the last probe. This worker has
        ended ``own_transactions`` since then.
        """
        if connection.dialect.name == "sqlite":
            version = connection.execute(_DATA_VERSION).scalar_one()
            before = connection.info.setdefault("data_version", version)
            connection.info["data_version"] = version
            return bool(version != before)
        current = int(connection.execute(_NEXT_TRANSACTION).scalar_one())
        before, self._last_transaction = self._last_transaction, current
        return before is not None and current - before > own_transactions + CONTENTION_THRESHOLD
