"""The credentials of a workspace as a reconcile sees them, and when new ones are due (design §4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SecretState(StrEnum):
    """Whose the Secret is that a resource's credentials belong into."""

    NO_CLUSTER = "Nowhere"  # there is no cluster, hence no Secret
    REFUSED = "Refused"  # the cluster does not let us keep it
    ABSENT = "Absent"
    FOREIGN = "Foreign"  # neither made by us nor handed over to us
    INHERITED = "Inherited"  # labelled as ours, but owned by no resource that we know
    OWN = "Own"


class RotationReason(StrEnum):
    """Why new credentials are made."""

    NONE_IN_FORCE = "NoneInForce"
    REQUESTED = "Requested"
    SECRET_ABSENT = "SecretAbsent"  # noqa: S105 - a word, not a secret
    SECRET_DIFFERS = "SecretDiffers"  # noqa: S105 - a word, not a secret


WRITABLE = frozenset({SecretState.ABSENT, SecretState.INHERITED, SecretState.OWN})
"""Where credentials may be put; anywhere else, making new ones would lock callers out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCredentials:
    """What the store knows of a workspace's credentials, beside the Secret that shall hold them.

    Attributes:
        is_current: whether the Secret holds those that were made last.
        rotated_at: when they were made; None if there are none in force.
        previous_valid_until: when the last of the earlier ones ends; None if none of them works any more.
        request: the value of the annotation that asked for them.
        number: of the newest valid set, 0 if there is none.
        was_just_made: so short a time ago that another operator may still be writing the Secret.
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
        """Whether the Secret lacks credentials that are so new that another operator may be about to write it."""
        lacks = self.secret is SecretState.ABSENT or (self.secret in WRITABLE and not self.is_current)
        return self.rotated_at is not None and self.is_recent and lacks

    def rotation_due(self, request: str) -> RotationReason | None:
        """Why new ones are due, given the annotation's value (empty without one); None if they are not."""
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
        """Whether nothing is left to do; without a cluster they are the command line's business."""
        if self.secret is SecretState.NO_CLUSTER:
            return True
        return self.secret is SecretState.OWN and not self.is_being_written and self.rotation_due(request) is None
