"""Port of the audit log: who did what, when, and by which way (cleanups §8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, Self, TypeAlias

ACCOUNT_WIDE: Final = 0
"""The workspace of entries that concern no single workspace; numbers of workspaces start at 1."""

MAX_ACTOR_LENGTH: Final = 320
"""In characters; a longer name is cut."""
MAX_SUBJECT_LENGTH: Final = 200
"""In characters."""
MAX_DETAILS: Final = 30
"""Number of fields in a detail."""
MAX_DETAIL_LENGTH: Final = 320
"""In characters, of the text of a field."""

Detail: TypeAlias = Mapping[str, int | str]
"""Counts by name, and the old and new values of settings. Never a value of a person."""


class Via(StrEnum):
    """The way by which something was done."""

    CONSOLE = "Console"
    API = "API"
    CLI = "CLI"
    OPERATOR = "Operator"


class AuditAction(StrEnum):
    """What was done."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_REFUSED = "sign_in_refused"
    SESSION_ENDED = "session_ended"
    SIGN_IN_RESET = "sign_in_reset"
    DECIDED = "decided"
    RULE_ADDED = "rule_added"
    RULE_REMOVED = "rule_removed"
    APPLIED = "applied"
    DISCARDED = "discarded"
    STOPPED = "stopped"
    UNDONE = "undone"
    IMPORTED = "imported"
    IMPORT_UNDONE = "import_undone"
    CORRECTED = "corrected"
    MERGED = "merged"
    MERGE_UNDONE = "merge_undone"
    DELETED = "deleted"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    DOWNLOADED = "downloaded"
    RETRIED = "retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, and by which way.

    Attributes:
        name: an email address of a user of the console, ``installation (root)``, ``app key 3`` or ``operator``.
    """

    name: str
    via: Via

    @classmethod
    def installation(cls, user: str) -> Self:
        """Somebody with a shell and the database: a user of the operating system."""
        limit = MAX_ACTOR_LENGTH - len("installation ()")
        return cls(name=f"installation ({user[:limit]})", via=Via.CLI)

    @classmethod
    def app_key(cls, number: int) -> Self:
        """A client of the App API, by the number of its set of credentials."""
        return cls(name=f"app key {number}", via=Via.API)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An entry to write. It names numbers and cio_ids, and never an address or a name of a person.

    Attributes:
        workspace_id: ``ACCOUNT_WIDE`` for an action that concerns no single workspace.
        subject: what it was done to, such as ``cleanup 12``, ``person 0199f1c2a3b4000a1b2c3d4e`` or ``export 3``.

    Raises:
        ValueError: the subject or the detail is larger than an entry may be.
    """

    workspace_id: int
    at: datetime
    actor: Actor
    action: AuditAction
    subject: str = ""
    detail: Detail

    def __post_init__(self) -> None:
        """Refuse what would let the log grow without a limit."""
        longest = max((len(str(value)) for value in self.detail.values()), default=0)
        if len(self.subject) > MAX_SUBJECT_LENGTH or len(self.detail) > MAX_DETAILS or longest > MAX_DETAIL_LENGTH:
            raise ValueError(f"an entry of the audit log about {self.action} is too large")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEntry:
    """An entry as it is stored. ``via`` and ``action`` are texts: a later version may have written new ones.

    Attributes:
        entry_id: unique in the workspace; later entries sort after earlier ones.
    """

    workspace_id: int
    entry_id: str
    at: datetime
    actor: str
    via: str
    action: str
    subject: str
    detail: Detail


class AuditLog(Protocol):
    """The audit log. Deletion of a workspace deletes its entries.

    Repositories write an entry in the transaction that does what it says. `record` is for what no transaction does,
    such as a download, and for what many transactions do, such as an import.
    """

    def record(self, entry: AuditEntry) -> None:
        """Write an entry in a transaction of its own."""
        ...

    def entries(self, workspace_id: int, *, before: str | None = None, limit: int) -> Sequence[RecordedEntry]:
        """List the entries of a workspace, or of ``ACCOUNT_WIDE``, newest first.

        ``before`` is an ``entry_id``: only entries before it, whether it exists or not.
        """
        ...

    def purge(self, *, before: datetime, size: int) -> int:
        """Delete up to ``size`` entries of all workspaces before a time; return their number."""
        ...
