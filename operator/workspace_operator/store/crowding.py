"""Whether others write to the database, who want their share of it: told from what it counts anyway."""

from dataclasses import dataclass, field

import sqlalchemy as sa

SHARE = 0.6
"""What they get, as a part of the time that the worker took."""

MANY = 10
"""Transactions of others between two looks from which on the worker makes way for them; on SQLite one is enough."""

# One past the newest transaction that has ended; each that writes or locks a row has a number.
_ENDED = sa.text("SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)")

# Another number when another connection has written.
_DATA_VERSION = sa.text("PRAGMA data_version")


@dataclass(slots=True)
class Crowding:
    """What one worker has seen of the others of its database."""

    _seen: int | None = field(default=None, init=False)

    def share(self, connection: sa.Connection, *, own: int = 1) -> float:
        """How long to make way, as a part of the time that was worked; 0 if nobody else wrote since the last look.

        Args:
            connection: in a transaction that writes; on SQLite the look before was by the same one.
            own: how many transactions of this worker's have ended since then.
        """
        return SHARE if self._is_crowded(connection, own) else 0.0

    def _is_crowded(self, connection: sa.Connection, own: int) -> bool:
        if connection.dialect.name == "sqlite":
            version = connection.execute(_DATA_VERSION).scalar_one()
            before = connection.info.setdefault("data_version", version)
            connection.info["data_version"] = version
            return bool(version != before)
        ended = int(connection.execute(_ENDED).scalar_one())
        before, self._seen = self._seen, ended
        return before is not None and ended - before > own + MANY
