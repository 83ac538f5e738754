"""All errors that this product raises on purpose.

::

    WorkspaceOperatorError
    ├── InvalidInput            the value is wrong; the message names field, value and remedy
    │   └── UnsupportedSchema   another version created the database
    ├── NotFound                the object does not exist
    ├── Conflict                the request is valid, but other state blocks it
    │   ├── NameTaken           another workspace of the account has that display name
    │   ├── PlanLimitReached    the account has as many workspaces as its plan allows
    │   ├── Ambiguous           the name matches several workspaces; the message lists them
    │   ├── ModeChanged         the workspace has another mode than the request was made for
    │   └── StaleRevision       the object has changed since it was read; read it again
    ├── UntrustedIdentity       what an identity provider says about somebody is not proven
    └── Unavailable             a dependency does not answer; try again later
        ├── NotConfigured       the installation lacks what the request needs; the message says how to set it up
        ├── StoreUnavailable
        │   ├── StoreRefused    the database answers, but rejects: a standby, a permission, a limit, a setting
        │   ├── LockTimeout     a lock was not granted in time; nothing was written
        │   ├── StatementTimeout  a read took longer than its caller allows
        │   └── CommitUnknown   the write may have been committed; check before repeating it
        ├── IdentityProviderUnavailable  the company sign-in does not answer
        └── ClusterUnavailable
            └── ClusterForbidden  the cluster answers, but rejects: a permission, a policy, a quota

Adapters translate the errors of their libraries into these once, at the boundary, with ``raise … from exc``.
"""


class WorkspaceOperatorError(Exception):
    """Base class of all errors. The text is a message for users."""


class InvalidInput(WorkspaceOperatorError):
    """A value is wrong. ``field`` is a path such as ``spec.color``, empty if none applies."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class UnsupportedSchema(InvalidInput):
    """The database has the schema of another version of this program."""


class NotFound(WorkspaceOperatorError):
    """The object does not exist."""


class Conflict(WorkspaceOperatorError):
    """The request is valid, but the state of another object blocks it."""


class NameTaken(Conflict):
    """Another workspace of the same account has that display name."""


class PlanLimitReached(Conflict):
    """The account already has as many workspaces as its plan allows."""


class Ambiguous(Conflict):
    """The name matches several workspaces; the message lists them and says how to choose."""


class StaleRevision(Conflict):
    """The object has changed since it was read: read it again and decide again."""


class ModeChanged(Conflict):
    """The workspace has another mode, ``mode``, than the request was made for; nothing was done."""

    def __init__(self, mode: str) -> None:
        super().__init__(f"the workspace has the mode {mode} now: read it again")
        self.mode = mode


class UntrustedIdentity(WorkspaceOperatorError):
    """What an identity provider says about somebody is not proven; the text is for the log, not for that person."""


class Unavailable(WorkspaceOperatorError):
    """A dependency does not answer; a retry may succeed."""


class NotConfigured(Unavailable):
    """The installation lacks what the request needs; the message says how to set it up."""


class StoreUnavailable(Unavailable):
    """The database does not answer."""


class StoreRefused(StoreUnavailable):
    """The database answers, but rejects: it is read-only, or a permission, a limit or a setting forbids it."""


class LockTimeout(StoreUnavailable):
    """A lock of the database was not granted in time; nothing was written."""


class StatementTimeout(StoreUnavailable):
    """A read took longer than its caller allows, and was ended: ask for less."""


class CommitUnknown(StoreUnavailable):
    """The connection was lost or the wait timed out during a commit, so the write may have been committed."""


class IdentityProviderUnavailable(Unavailable):
    """The identity provider does not answer, or not as one does; the text is for the log."""


class ClusterUnavailable(Unavailable):
    """The Kubernetes API does not answer."""


class ClusterForbidden(ClusterUnavailable):
    """The Kubernetes API does not allow it: a permission is missing, or a policy or a quota forbids it."""
