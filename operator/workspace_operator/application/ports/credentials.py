"""Port of the credentials of workspaces."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from workspace_operator.workspaces.app_keys import AppKeyMay


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialDigests:
    """SHA-256 of the credentials, hexadecimal. Keys of 256 random bits need no slower hash."""

    site_id: str
    api_key: str
    app_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredentials:
    """One set of credentials of a workspace.

    Attributes:
        number: sequence number within the workspace.
        valid_until: end of the grace time; None for the newest set.
        request: value of the annotation that requested this rotation, empty if none did.
        app_key_may: what requests with the App key may do; a setting of the workspace, equal for all its sets.
    """

    workspace_id: int
    number: int
    digests: CredentialDigests
    created_at: datetime
    valid_until: datetime | None
    request: str
    app_key_may: AppKeyMay = AppKeyMay.READ


class Credentials(Protocol):
    """The credentials of workspaces, found by digest without knowing the workspace."""

    def valid_sets(self, workspace_id: int, *, now: datetime) -> Sequence[StoredCredentials]:
        """List the valid sets of a workspace, newest first."""
        ...

    def rotate(
        self,
        workspace_id: int,
        digests: CredentialDigests,
        *,
        grace: timedelta,
        request: str,
        now: datetime,
        after: int | None = None,
    ) -> StoredCredentials:
        """Store a new set, also the first one; earlier sets stay valid for the grace time.

        ``request`` is the value of the annotation that requests the rotation, empty if none does. ``after`` is the
        number of the newest valid set that the caller knows, 0 for none; None skips the comparison.

        Raises:
            NotFound: there is no such workspace.
            StaleRevision: a newer set than ``after`` exists.
        """
        ...

    def revoke(self, workspace_id: int) -> int:
        """Revoke all sets immediately; returns how many. Raises NotFound."""
        ...

    def find_by_site_ids(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        """Find the valid sets with these site ids, by digest; unknown digests are left out."""
        ...

    def find_by_app_keys(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        """Find the valid sets with these app keys, by digest; unknown digests are left out."""
        ...
