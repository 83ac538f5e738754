"""The inputs of the policies: the resource, the observed state, and facts that several policies need."""

from dataclasses import dataclass, replace

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, is_mode_allowed
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.workspaces.model import Owner, Settings, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionContext:
    """A resource with our finalizer that is being deleted."""

    resource: Resource
    observed: ObservedState
    owner: Owner

    @property
    def owned_workspace(self) -> Workspace | None:
        """The stored workspace, if it belongs to this resource."""
        return self.observed.owned_by(self.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileContext:
    """A resource with a valid spec that is not being deleted, and the observed state of the store."""

    resource: Resource
    desired: DesiredState
    observed: ObservedState
    owner: Owner

    @property
    def owned(self) -> "OwnedContext | None":
        """The context for the resource's own workspace; None if it does not own the stored one."""
        workspace = self.observed.owned_by(self.owner)
        if workspace is None:
            return None
        return OwnedContext(resource=self.resource, desired=self.desired, observed=self.observed, workspace=workspace)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedContext:
    """A resource with a valid spec, and its own workspace in the store."""

    resource: Resource
    desired: DesiredState
    observed: ObservedState
    workspace: Workspace

    @property
    def migration(self) -> Migration | None:
        """The open identifier change, if there is one."""
        return self.observed.open_migration

    @property
    def desired_mode(self) -> Mode:
        """The desired mode; without one in the spec, the mode in force."""
        return self.desired.mode or self.workspace.mode

    @property
    def account_matches(self) -> bool:
        """Whether the workspace is in the account that the spec names."""
        return self.desired.account == self.workspace.account

    @property
    def is_migration_allowed(self) -> bool:
        """Whether the desired mode is in force or can be reached from it."""
        return is_mode_allowed(self.workspace.mode, self.desired_mode)

    @property
    def effective_settings(self) -> Settings:
        """The settings to put in force now.

        Until the cut-over of a mode change, the update rule of the mode in force stays as it is, since every request
        follows the old rules. The rule of the new mode has no effect yet; it is stored beforehand, so that it holds
        from the cut-over on.
        """
        desired, stored = self.desired.settings, self.workspace.settings
        if self.desired_mode is self.workspace.mode:
            return desired
        if self.workspace.mode is Mode.EMAIL_OR_ID:
            return replace(desired, email_updates=stored.email_updates)
        return replace(desired, id_updates=stored.id_updates)

    @property
    def is_converged(self) -> bool:
        """Whether everything that this generation requires is in force."""
        credentials = self.observed.credentials
        return (
            self.account_matches
            and self.observed.name_holder is None
            and self.desired_mode is self.workspace.mode
            and self.desired.settings == self.workspace.settings
            and self.workspace.knows_send_mode
            and self.migration is None
            and (credentials is None or credentials.is_up_to_date(self.resource.rotation_request))
        )
