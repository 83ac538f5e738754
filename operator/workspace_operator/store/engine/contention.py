"""Detection of concurrent writers, from counters that the database keeps anyway.

On Citus, each machine has its own counter. The one of the workspace's shard counts its writers, the coordinator's does
not.
"""

from dataclasses import dataclass, field

import sqlalchemy as sa

from workspace_operator.store.engine.citus import is_citus

CONTENTION_THRESHOLD = 10
"""Other transactions between two probes above which the worker yields to them; on SQLite one is enough."""

# One past the newest ended transaction; each transaction that writes or locks a row has a number.
_NUMBER = "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
_NEXT_TRANSACTION = sa.text(f"SELECT {_NUMBER}")

# Any row of the workspace will do: the statement goes to the machine that has it.
_NEXT_TRANSACTION_OF_SHARD = sa.text(
    f"SELECT {_NUMBER} FROM workspace_lock WHERE workspace_id = :workspace_id AND slot = 0"  # noqa: S608 - a constant
)

# A number that changes when another connection has written.
_DATA_VERSION = sa.text("PRAGMA data_version")


@dataclass(slots=True)
class ContentionProbe:
    """Compares the transaction counters of the database between the probes of one worker."""

    _last_transactions: dict[int | None, int] = field(default_factory=dict, init=False)
    """By workspace on Citus; otherwise there is one counter."""

    def others_wrote(
        self,
        connection: sa.Connection,
        workspace_id: int,
        *,
        own_transactions: int = 1,
        kept_others_out: bool = False,
    ) -> bool:
        """Whether other connections wrote since the last probe; on Citus, near this workspace since its last one.

        The connection is in a write transaction; on SQLite, it is the connection of the last probe. This worker has
        ended ``own_transactions`` since then. If it ``kept_others_out``, few others could end, and one is enough.
        """
        if connection.dialect.name == "sqlite":
            version = connection.execute(_DATA_VERSION).scalar_one()
            before = connection.info.setdefault("data_version", version)
            connection.info["data_version"] = version
            return bool(version != before)
        if is_citus(connection):
            counter: int | None = workspace_id
            current = connection.execute(_NEXT_TRANSACTION_OF_SHARD, {"workspace_id": workspace_id}).scalar_one()
        else:
            counter, current = None, connection.execute(_NEXT_TRANSACTION).scalar_one()
        before = self._last_transactions.get(counter)
        self._last_transactions = {counter: current}
        return before is not None and current - before > own_transactions + (
            0 if kept_others_out else CONTENTION_THRESHOLD
        )
