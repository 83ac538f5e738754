"""Versions of a resource's spec, and workspaces that are unchanged since a version was applied."""

from dataclasses import dataclass
from datetime import datetime

from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.workspaces.model import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecVersion:
    """The version of a resource's spec that causes a write: the resource's UID and generation."""

    uid: str
    generation: int

    def raise_if_stale(self, workspace_id: int, *, owner_uid: str, applied: int) -> None:
        """Raise StaleRevision if a workspace has another owner, or a newer generation is applied to it."""
        if owner_uid != self.uid:
            raise StaleRevision(f"workspace number {workspace_id} belongs to another resource by now")
        if applied > self.generation:
            raise StaleRevision(
                f"workspace number {workspace_id}: generation {applied} of its spec is already applied, "
                f"and this is generation {self.generation}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchangedWorkspace:
    """A workspace whose row is unchanged since a generation of its owner's spec was recorded.

    Attributes:
        store_id: the identity of the workspace's database.
        rotation_request: the value of the annotation that requested the newest credentials.
        rotated_at: when the newest credentials were created; None if there are none.
    """

    store_id: str
    workspace_id: int
    owner: Owner
    generation: int
    mode: Mode
    rotation_request: str
    rotated_at: datetime | None = None
