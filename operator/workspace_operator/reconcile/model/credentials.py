"""The observed credentials of a workspace, and when new ones are due (design §4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SecretState(StrEnum):
    """The owner of the Secret for a resource's credentials."""

    NO_CLUSTER = "Nowhere"  # without a cluster there is no Secret
    REFUSED = "Refused"  # the API server forbids to read or write it
    ABSENT = "Absent"
    FOREIGN = "Foreign"  # neither created by the operator nor handed over to it
    INHERITED = "Inherited"  # labelled as the operator's, but not owned by this resource
    OWN = "Own"


class RotationReason(StrEnum):
    """Why new credentials are created."""

    NONE_IN_FORCE = "NoneInForce"
    REQUESTED = "Requested"
    SECRET_ABSENT = "SecretAbsent"  # noqa: S105 - a word, not a secret
    SECRET_DIFFERS = "SecretDiffers"  # noqa: S105 - a word, not a secret


WRITABLE = frozenset({SecretState.ABSENT, SecretState.INHERITED, SecretState.OWN})
"""States in which the Secret can be written; in others, new credentials would lock clients out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCredentials:
    """A workspace's credentials in the store, and the state of their Secret.

    Attributes:
        secret: the owner of the Secret.
        is_current: whether the Secret holds the newest credentials.
        rotated_at: when these were created; None if none are in force.
        previous_valid_until: when the last of the earlier ones expires; None if all have expired.
        request: the value of the annotation that requested them.
        number: of the newest valid set, 0 if there is none.
        is_recent: whether they are so new that another operator may still be writing the Secret.
    """

    secret: SecretState
    is_current: bool = False
    rotated_at: datetime | None = None
    previous_valid_until: datetime | None = None
    request: str = ""
    number: int = 0
    is_recent: bool = False

    @property
    def is_being_written(self) -> bool:
        """Whether the Secret lacks credentials that another operator may still be writing."""
        lacks = self.secret is SecretState.ABSENT or (self.secret in WRITABLE and not self.is_current)
        return self.rotated_at is not None and self.is_recent and lacks

    def rotation_due(self, request: str) -> RotationReason | None:
        """The reason why new credentials are due, if any; ``request`` is the annotation's value, or empty."""
        if self.secret not in WRITABLE:
            return None
        if self.rotated_at is None:
            return RotationReason.NONE_IN_FORCE
        if request not in ("", self.request):
            return RotationReason.REQUESTED
        if self.is_being_written:
            return None
        if self.secret is SecretState.ABSENT:
            return RotationReason.SECRET_ABSENT
        return None if self.is_current else RotationReason.SECRET_DIFFERS

    def is_up_to_date(self, request: str) -> bool:
        """Whether nothing is left to do; always so without a cluster, where only commands create credentials."""
        if self.secret is SecretState.NO_CLUSTER:
            return True
        return self.secret is SecretState.OWN and not self.is_being_written and self.rotation_due(request) is None
