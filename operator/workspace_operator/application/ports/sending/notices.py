"""Port of the notices by mail to the admins of accounts (accounts §6)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from workspace_operator.reconcile.model.accounts import Account
from workspace_operator.workspaces.model import Workspace


class NoticeKind(StrEnum):
    """What a notice is about."""

    MIGRATION_BLOCKED = "MigrationBlocked"
    MIGRATION_COMPLETED = "MigrationCompleted"
    TRANSPORT_REFUSES = "TransportRefuses"


class NoticeState(StrEnum):
    """Where a notice stands. Sent and failed are final."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeKey:
    """What a notice is about; there is one notice for each.

    Attributes:
        workspace_id: of a transport that refuses, the first workspace of the account that noticed it on that day.
        subject: the number of the migration, or the transport and the day.
    """

    workspace_id: int
    kind: NoticeKind
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice that is due.

    Attributes:
        account: of the workspace, as it is now; None if it has no Account resource any more.
        details: numbers and names about the event, without personal data.
        attempts: hand-overs that have begun; ``tries`` those that used up a try; ``unknowns`` those whose outcome is
            unknown, or that have none because their sender ended.
    """

    key: NoticeKey
    workspace: Workspace
    account: Account | None
    created_at: datetime
    due_at: datetime
    attempts: int
    tries: int
    unknowns: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeUpdate:
    """What follows for a notice; ``due_at`` is the next attempt, None for a final state."""

    state: NoticeState
    due_at: datetime | None = None
    failure: str | None = None
    tries: int = 0
    unknowns: int = 0


class Notices(Protocol):
    """The outbox of notices.

    The transaction of an event writes its notice, if the account of the workspace has ``spec.notices`` then.
    """

    def due(self, transports: Collection[str], *, too_old: datetime, limit: int, now: datetime) -> Sequence[Notice]:
        """Read notices that are due, oldest first.

        Only those whose account names one of the transports, those that were created before ``too_old``, and those
        whose account has no notices any more.
        """
        ...

    def claim(self, notice: Notice, *, key_fingerprint: str, until: datetime) -> Notice | None:
        """Begin an attempt, which counts as unknown until it is updated; the notice is due again at ``until``.

        Returns:
            The notice as claimed; None if another sender has changed it since it was read, or the database has another
            root key.
        """
        ...

    def update(self, notice: Notice, update: NoticeUpdate, *, now: datetime) -> bool:
        """Write what follows for a notice; also delete those of its workspace that are over and a month old.

        Args:
            notice: as it was read or claimed.
            update: what follows.
            now: the time of the deletion.

        Returns:
            False, and the notice stays as it is, if another sender has changed it since.
        """
        ...
