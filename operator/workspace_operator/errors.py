"""Every error this product raises on purpose.

::

    WorkspaceOperatorError
    ├── InvalidInput            the caller's value is wrong; says field, value and way out
    │   └── UnsupportedSchema   the database that was named was made by another version
    ├── NotFound                what was named does not exist
    ├── Conflict                the wish is well-formed but somebody else's state stands in its way
    │   ├── NameTaken           another workspace of the account has that display name
    │   ├── Ambiguous           the name fits several workspaces; the message lists them
    │   └── StaleRevision               somebody else changed the row since it was read; look again
    └── Unavailable             a part we depend on does not answer; try again later
        ├── StoreUnavailable
        │   ├── StoreRefused    it answers, but refuses: a standby, a right, a limit, a setting
        │   ├── LockTimeout     a lock was not granted in time; nothing was written
        │   └── CommitUnknown  the write may have been done: look before it is repeated
        └── ClusterUnavailable
            └── ClusterForbidden  it answers, but does not allow what was asked: rights, a policy, a quota

Adapters translate their libraries' errors into these once, at the boundary, with ``raise … from exc``.
"""


class WorkspaceOperatorError(Exception):
    """Root of the tree; its text is written for the person who reads it."""


class InvalidInput(WorkspaceOperatorError):
    """The caller's value is wrong. ``field`` is a path such as ``spec.color``, empty if none applies."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class UnsupportedSchema(InvalidInput):
    """The database that was named has the schema of another version of this program."""


class NotFound(WorkspaceOperatorError):
    """What was named does not exist."""


class Conflict(WorkspaceOperatorError):
    """The wish is well-formed, but the state of something else stands in its way."""


class NameTaken(Conflict):
    """Another workspace of the same account has that display name."""


class Ambiguous(Conflict):
    """The name fits several workspaces; the message lists them and says how to choose."""


class StaleRevision(Conflict):
    """The row was changed by somebody else since it was read: look again and decide anew."""


class Unavailable(WorkspaceOperatorError):
    """Something we depend on does not answer; trying again later may help."""


class StoreUnavailable(Unavailable):
    """The database does not answer."""


class StoreRefused(StoreUnavailable):
    """The database answers, but refuses: it is read-only, or a right, a limit or a setting forbids it."""


class LockTimeout(StoreUnavailable):
    """A lock of the database was not granted in time; nothing was written."""


class CommitUnknown(StoreUnavailable):
    """The connection was lost or the wait ended while a write was confirmed, so it may have been done."""


class ClusterUnavailable(Unavailable):
    """The Kubernetes API does not answer."""


class ClusterForbidden(ClusterUnavailable):
    """The Kubernetes API does not allow it: a right is missing, or a policy or a quota forbids it."""
