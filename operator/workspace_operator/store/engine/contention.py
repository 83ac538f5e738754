"""Whether others write to the database, who want their share of it: told from what it counts anyway."""

from dataclasses import dataclass, field

import sqlalchemy as sa

CONTENTION_THRESHOLD = 10
"""Transactions of others between two looks from which on the worker makes way for them; on SQLite one is enough."""

# One past the newest transaction that has ended; each that writes or locks a row has a number.
_ENDED = sa.text("SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)")

# Another number when another connection has written.
_DATA_VERSION = sa.text("PRAGMA data_version")


@dataclass(slots=True)
class ContentionProbe:
    """What one worker has seen of the others of its database."""

    _seen: int | None = field(default=None, init=False)

    def others_wrote(self, connection: sa.Connection, *, own_transactions: int = 1) -> bool:
        """Whether others wrote since the last look.

        Args:
            connection: in a transaction that writes; on SQLite the look before was by the same one.
            own_transactions: how many transactions of this worker's have ended since then.
        """
        if connection.dialect.name == "sqlite":
            version = connection.execute(_DATA_VERSION).scalar_one()
            before = connection.info.setdefault("data_version", version)
            connection.info["data_version"] = version
            return bool(version != before)
        ended = int(connection.execute(_ENDED).scalar_one())
        before, self._seen = self._seen, ended
        return before is not None and ended - before > own_transactions + CONTENTION_THRESHOLD
