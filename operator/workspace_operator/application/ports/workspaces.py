"""Ports of the directory of workspaces, and of the ownership of workspaces."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from workspace_operator.migrations.model import Migration
from workspace_operator.reconcile.model.actions import Action, ChangeOwner
from workspace_operator.reconcile.model.observed import ObservedState, WorkspaceQuery
from workspace_operator.workspaces.model import Owner, Workspace
from workspace_operator.workspaces.spec_versions import SpecVersion, UnchangedWorkspace


class Workspaces(Protocol):
    """The directory of workspaces, as the operator and the command line use it."""

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        """Observe one snapshot of the store.

        It counts neither people nor messages that wait, and does not check whether owners are gone.
        """
        ...

    def apply(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        """Apply one action atomically; ``spec`` is the document that requests it, None for an administrator.

        Raises:
            NameTaken: another workspace of the account has the display name.
            PlanLimitReached: the account of a workspace to create has as many as its plan allows.
            StaleRevision: the workspace has changed, or a newer document than ``spec`` is applied already; or a
                workspace to delete still hands over messages.
        """
        ...

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[UnchangedWorkspace]:
        """List the workspaces whose row has not changed since their newest spec generation was recorded."""
        ...

    def pending_status_updates(self) -> Sequence[tuple[Owner, Migration]]:
        """List the migrations whose stage or progress has changed since their status was written, with owners."""
        ...

    def mark_status_written(self, migration: Migration) -> None:
        """Record that the status of the resource has this revision and progress of the migration."""
        ...

    def count_waiting(self, workspace_id: int) -> int:
        """Count the messages of a workspace that wait to be sent."""
        ...

    def find(self, namespace: str, name: str, *, cluster: str | None = None) -> Workspace:
        """Find a workspace by the name of its owner. Raises NotFound or Ambiguous."""
        ...

    def get(self, workspace_id: int) -> Workspace:
        """Get a workspace by number. Raises NotFound."""
        ...

    def list(self) -> Sequence[Workspace]:
        """List all workspaces, by number."""
        ...


class Ownership(Protocol):
    """Changes owners of workspaces for administrators, independently of reconciles."""

    def is_empty(self, workspace_id: int) -> bool:
        """Whether a workspace holds nothing: no people, suppressions, activities, devices, segments or exports."""
        ...

    def reassign(self, changes: Sequence[ChangeOwner], *, replace_empty: bool) -> None:
        """Assign workspaces to owners, all of them or none.

        ``replace_empty`` deletes the workspaces that the owners have now, if they are empty.

        Raises:
            Conflict: an owner already has a workspace, and it is not empty or must not be replaced.
            NameTaken: an account would have a display name twice.
            StaleRevision: a workspace has changed since it was read.
        """
        ...
