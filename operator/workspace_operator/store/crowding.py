"""Whether others write to the database, who want their share of it: told from what PostgreSQL counts anyway.

On SQLite nothing has to be told: writers queue for one lock, and each is next after a batch of the worker's.
"""

from dataclasses import dataclass, field

import sqlalchemy as sa

MANY = 10
"""Transactions of others between two looks from which on the worker makes way for them."""

# One past the newest transaction that has ended; each that writes or locks a row has a number.
_ENDED = sa.text("SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)")


@dataclass(slots=True)
class Crowding:
    """What one worker has seen of the others of its database."""

    _seen: int | None = field(default=None, init=False)

    def is_crowded(self, connection: sa.Connection, *, own: int = 1) -> bool:
        """Whether others wrote since the last look.

        Args:
            connection: in a transaction that writes.
            own: how many transactions of this worker's have ended since then.
        """
        if connection.dialect.name == "sqlite":
            return False
        ended = int(connection.execute(_ENDED).scalar_one())
        before, self._seen = self._seen, ended
        return before is not None and ended - before > own + MANY
