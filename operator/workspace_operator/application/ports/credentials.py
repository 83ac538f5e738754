"""Who may call."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialDigests:
    """SHA-256 of the credentials, hexadecimal; 256 random bits each need no slower hash."""

    site_id: str
    api_key: str
    app_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredentials:
    """One set of credentials of a workspace.

    Attributes:
        number: counts a workspace's sets.
        valid_until: None for the newest; those before it end then.
        request: the value of the annotation that asked for this rotation, empty if none did.
    """

    workspace_id: int
    number: int
    digests: CredentialDigests
    created_at: datetime
    valid_until: datetime | None
    request: str


class Credentials(Protocol):
    """Who may call for which workspace. Found by digest without knowing the workspace."""

    def valid_sets(self, workspace_id: int, *, now: datetime) -> Sequence[StoredCredentials]:
        """Those that are valid, the newest first."""
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
        """Put a new set in force, also the first; the one before stays valid for the grace time.

        Args:
            workspace_id: whose.
            digests: of the new set.
            grace: how long earlier sets stay valid.
            request: the value of the annotation that asks for it, empty if none does.
            now: aware.
            after: the number of the newest valid set that the caller has seen, 0 for none; None compares nothing.

        Raises:
            NotFound: there is no such workspace.
            StaleRevision: another set was put in force meanwhile.
        """
        ...

    def revoke(self, workspace_id: int) -> int:
        """End all sets at once; tells how many. Raises NotFound."""
        ...

    def find_by_site_ids(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        """The valid sets with these site ids, by digest; what is nobody's is left out."""
        ...

    def find_by_app_keys(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        """The valid sets with these app keys, by digest; what is nobody's is left out."""
        ...
