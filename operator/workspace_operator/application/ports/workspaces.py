"""The directory of workspaces."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workspace_operator.migrations.model import Migration
from workspace_operator.reconcile.model.actions import Action, ChangeOwner
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.workspaces.model import Owner, Workspace
from workspace_operator.workspaces.spec_versions import SpecVersion, UnchangedWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceQuery:
    """What one observation looks for: the resource's owner, and the workspaces that its text names."""

    owner: Owner
    account: str = "default"
    display_name: str = ""
    from_annotation: int | None = None
    from_status: int | None = None


class Workspaces(Protocol):
    """The directory of workspaces, as the operator and the command line use it."""

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        """Look at one moment of the store; candidates come back as not released, and people are not counted."""
        ...

    def apply(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        """Carry one action out, whole or not at all. Raises NameTaken or StaleRevision.

        Args:
            action: what to do.
            now: aware.
            spec: the document that asks for it; None for an administrator. A document that is older than what was
                carried out is refused by StaleRevision.
        """
        ...

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[UnchangedWorkspace]:
        """List the workspaces whose row is as it was when the newest generation of their spec was recorded."""
        ...

    def pending_status_updates(self) -> Sequence[tuple[Owner, Migration]]:
        """List the workspaces whose identifier change has moved, or whose numbers have, since it was last reported."""
        ...

    def mark_status_written(self, migration: Migration) -> None:
        """Note that the resource tells of this revision of the change, and of these numbers."""
        ...

    def find(self, namespace: str, name: str, *, cluster: str | None = None) -> Workspace:
        """Find a workspace by its owner's name. Raises NotFound or Ambiguous."""
        ...

    def get(self, workspace_id: int) -> Workspace:
        """Find a workspace by its number. Raises NotFound."""
        ...

    def list(self) -> Sequence[Workspace]:
        """All workspaces, by number."""
        ...


class Ownership(Protocol):
    """Gives workspaces to other owners, beside every reconcile."""

    def is_empty(self, workspace_id: int) -> bool:
        """Whether a workspace holds nothing: no people, suppressions, activities, devices, segments or exports."""
        ...

    def reassign(self, changes: Sequence[ChangeOwner], *, replace_empty: bool) -> None:
        """Give workspaces to owners, all of them or none.

        Args:
            changes: which workspace goes to which owner.
            replace_empty: destroy the workspaces that the owners have now, provided that these are empty.

        Raises:
            Conflict: an owner has a workspace already that is not to be replaced, or is not empty.
            NameTaken: an account would have a display name twice.
            StaleRevision: a workspace has changed since it was read.
        """
        ...
