"""What the rules look at: the resource beside what the store showed, with the facts that several rules need."""

from dataclasses import dataclass, replace

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, is_mode_allowed
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.workspaces.model import Owner, Settings, Workspace


def open_migration(observed: ObservedState) -> Migration | None:
    """The identifier change that has not ended, if there is one."""
    migration = observed.migration
    return None if migration is None or migration.stage in TERMINAL else migration


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionContext:
    """A resource that is being deleted, while our finalizer holds it."""

    resource: Resource
    observed: ObservedState
    owner: Owner

    @property
    def owned_workspace(self) -> Workspace | None:
        """The stored workspace, only if it belongs to this very resource."""
        workspace = self.observed.workspace
        return workspace if workspace is not None and workspace.owner == self.owner else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileContext:
    """A living resource with a valid spec, and a store that answered."""

    resource: Resource
    desired: DesiredState
    observed: ObservedState
    owner: Owner

    @property
    def owned(self) -> "OwnedContext | None":
        """Ours: what is known once the stored workspace belongs to this very resource."""
        workspace = self.observed.workspace
        if workspace is None or workspace.owner != self.owner:
            return None
        return OwnedContext(resource=self.resource, desired=self.desired, observed=self.observed, workspace=workspace)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedContext:
    """A living resource, its valid spec, and its own workspace in the store."""

    resource: Resource
    desired: DesiredState
    observed: ObservedState
    workspace: Workspace

    @property
    def migration(self) -> Migration | None:
        """The identifier change that has not ended, if there is one."""
        return open_migration(self.observed)

    @property
    def desired_mode(self) -> Mode:
        """The wanted mode; a spec that leaves it out wants what is in force."""
        return self.desired.mode or self.workspace.mode

    @property
    def account_matches(self) -> bool:
        """Whether the workspace lies in the account that the spec names."""
        return self.desired.account == self.workspace.account

    @property
    def is_migration_allowed(self) -> bool:
        """Whether the wanted mode is in force or can be reached."""
        return is_mode_allowed(self.workspace.mode, self.desired_mode)

    @property
    def effective_settings(self) -> Settings:
        """What shall be in force now.

        While a change of mode is outstanding, the update rule of the mode in force stays as it is: old rules
        hold for every call until the switch. The rule of the mode to come has no effect yet and is put in
        force beforehand, so that it holds from the switch on.
        """
        due, stored = self.desired.settings, self.workspace.settings
        if self.desired_mode is self.workspace.mode:
            return due
        if self.workspace.mode is Mode.EMAIL_OR_ID:
            return replace(due, email_updates=stored.email_updates)
        return replace(due, id_updates=stored.id_updates)

    @property
    def is_converged(self) -> bool:
        """Whether nothing of this generation is left to do."""
        credentials = self.observed.credentials
        return (
            self.account_matches
            and self.observed.name_holder is None
            and self.desired_mode is self.workspace.mode
            and self.desired.settings == self.workspace.settings
            and self.migration is None
            and (credentials is None or credentials.is_up_to_date(self.resource.rotation_request))
        )
