"""The identity of the database, and the heartbeats and workspaces of its clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import Heartbeat, StalledResources
from workspace_operator.errors import StoreUnavailable
from workspace_operator.reconcile.model.observed import Namesake
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.mappers import WORKSPACES_WITH_ACCOUNT, owner_parameters, workspace_of
from workspace_operator.store.schema.tables import cluster_heartbeat, store_identity, workspace
from workspace_operator.workspaces.model import Owner

STORE_ID = sa.select(store_identity.c.store_id)

NAMESAKES = (
    WORKSPACES_WITH_ACCOUNT.add_columns(cluster_heartbeat.c.beats)
    .outerjoin(cluster_heartbeat, cluster_heartbeat.c.cluster == workspace.c.owner_cluster)
    .where(
        workspace.c.owner_namespace == sa.bindparam("namespace"),
        workspace.c.owner_name == sa.bindparam("name"),
        workspace.c.owner_cluster != sa.bindparam("cluster"),
    )
    .order_by(workspace.c.workspace_id)
)


@dataclass(frozen=True, slots=True)
class SQLHeartbeats:
    """Implements the port ``Heartbeats``."""

    database: Database

    def beat(self, cluster: str, *, stalled: Sequence[StalledResources] = (), now: datetime) -> None:
        """Record a heartbeat of a cluster, with its Stalled resources."""
        values = {"beat_at": now, "stalled": [asdict(each) for each in stalled]}
        self.database.writing(lambda connection: _beat(connection, cluster, values))

    def all(self) -> Mapping[str, Heartbeat]:
        """The newest heartbeats by cluster ID."""
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(cluster_heartbeat))
            return {row.cluster: _heartbeat_of(row) for row in rows}

    def store_id(self) -> str:
        """The identity of the database, a UUID that was created with its schema."""
        with self.database.reading() as connection:
            return require_store_id(connection.execute(STORE_ID).scalar_one_or_none())


def require_store_id(found: str | None) -> str:
    """Return the identity that was read. Raises StoreUnavailable if it is missing."""
    if found is None:
        raise StoreUnavailable("the database has no identity (table store_identity is empty): was it restored in part?")
    return found


def namesakes_of(connection: sa.Connection, owner: Owner) -> tuple[Namesake, ...]:
    """Find the workspaces of other clusters whose owners have the same namespace and name."""
    rows = connection.execute(NAMESAKES, owner_parameters(owner))
    return tuple(Namesake(workspace=workspace_of(row), beats=row.beats) for row in rows)


def _heartbeat_of(row: sa.Row[Any]) -> Heartbeat:
    stalled = (StalledResources(**each | {"names": tuple(each["names"])}) for each in row.stalled or ())
    return Heartbeat(beats=row.beats, beat_at=row.beat_at, stalled=tuple(stalled))


def _beat(connection: sa.Connection, cluster: str, values: Mapping[str, Any]) -> None:
    update = sa.update(cluster_heartbeat).where(cluster_heartbeat.c.cluster == cluster)
    updated = connection.execute(update.values(beats=cluster_heartbeat.c.beats + 1, **values)).rowcount
    if not updated:
        connection.execute(sa.insert(cluster_heartbeat).values(cluster=cluster, beats=1, **values))
