"""The state of an installation, as its database has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.operator.heartbeats import SILENT_AFTER
from workspace_operator.application.ports import (
    DatabaseDescription,
    DatabaseInspection,
    Directory,
    Heartbeat,
    Heartbeats,
    Migrations,
    RegisteredSender,
    SchemaState,
    SendingQueue,
)
from workspace_operator.migrations.model import Migration
from workspace_operator.workspaces.model import Owner

WORKER_LATE_AFTER: Final = timedelta(minutes=2)
"""How long a migration is due before it counts as one that no worker takes."""

STALLED_KEPT: Final = timedelta(days=1)
"""How long a cluster without workspaces and heartbeats counts as silent for the Stalled resources that it had."""

NOTHING: Final = Directory(workspaces_by_cluster={}, queues=(), unknown_send_modes=(), overdue_migrations=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the database of an installation says.

    Attributes:
        key_fingerprint: of the root key that was found here; None if none was.
        heartbeats: by cluster.
        migrations: those that have not ended, with the owners of their workspaces.
        senders: also those whose heartbeat is old.
    """

    database: DatabaseDescription
    now: datetime
    key_fingerprint: str | None = None
    heartbeats: Mapping[str, Heartbeat] = field(default_factory=dict)
    migrations: Sequence[tuple[Owner, Migration]] = ()
    senders: Sequence[RegisteredSender] = ()
    directory: Directory = NOTHING

    @property
    def live_senders(self) -> Sequence[RegisteredSender]:
        """The senders whose heartbeat is recent."""
        return [sender for sender in self.senders if sender.is_alive(self.now)]

    @property
    def senders_with_key(self) -> Sequence[RegisteredSender]:
        """Those of them whose root key is that of the database, so that they send."""
        return [sender for sender in self.live_senders if sender.has_database_key]

    @property
    def silent_clusters(self) -> Sequence[str]:
        """The clusters that need an operator and whose operator has not written a heartbeat for a minute.

        They own workspaces, or had Stalled resources until a day ago: a database that was lost has no workspaces.
        """
        since = self.now - STALLED_KEPT
        stalled = {cluster for cluster, known in self.heartbeats.items() if known.stalled and known.beat_at >= since}
        needing = self.directory.workspaces_by_cluster.keys() | stalled
        return sorted((self.heartbeats.keys() - self.live_clusters) & needing)

    @property
    def live_clusters(self) -> frozenset[str]:
        """The clusters whose operator has written a heartbeat within a minute."""
        oldest = self.now - timedelta(seconds=SILENT_AFTER)
        return frozenset(cluster for cluster, heartbeat in self.heartbeats.items() if heartbeat.beat_at >= oldest)

    @property
    def oldest_due_at(self) -> datetime | None:
        """When the message that waits longest in any workspace was or is due; None if none waits."""
        return min((queue.next_due_at for queue in self.directory.queues if queue.next_due_at), default=None)

    def is_offered(self, transport: str, namespace: str) -> bool:
        """Whether a sender that runs offers a transport to a namespace."""
        return any(
            offer.name == transport and offer.is_offered_to(namespace)
            for sender in self.senders_with_key
            for offer in sender.offers
        )


def observe(
    inspection: DatabaseInspection,
    *,
    migrations: Migrations,
    heartbeats: Heartbeats,
    queue: SendingQueue,
    now: datetime,
    key_fingerprint: str | None,
    counts_people: bool,
) -> Installation:
    """Read the state of an installation; of a database with another schema, only what it is.

    Raises StoreUnavailable.
    """
    database = inspection.describe(counts_people=counts_people)
    if database.schema is not SchemaState.CURRENT:
        return Installation(database=database, now=now, key_fingerprint=key_fingerprint)
    return Installation(
        database=database,
        now=now,
        key_fingerprint=key_fingerprint,
        heartbeats=heartbeats.all(),
        migrations=migrations.unfinished(),
        senders=queue.senders(),
        directory=inspection.directory(overdue_since=now - WORKER_LATE_AFTER, now=now),
    )
