"""The queues of workspaces as the senders lease them."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomLease:
    """The lease of a sender on the queue of one workspace.

    Attributes:
        namespace, name: of the workspace's owner when the lease began.
        send_version: of the sending rules when the lease began.
    """

    workspace_id: int
    namespace: str
    name: str
    worker: str
    duration: timedelta
    send_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomStatus:
    """What is left in a room: when the next delivery is due, None if nothing waits."""

    next_due_at: datetime | None
