"""What the rules look at: the resource beside what the store showed, with the facts that several rules need."""

from dataclasses import dataclass, replace

from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.changes import may_change
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import ENDED
from workspace_operator.reconcile.observed import Observed, Owner, Settings, StoredWorkspace
from workspace_operator.reconcile.wishes import Resource, Wish


def open_migration(observed: Observed) -> Migration | None:
    """The identifier change that has not ended, if there is one."""
    migration = observed.migration
    return None if migration is None or migration.stage in ENDED else migration


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A resource that is being deleted, while our finalizer holds it."""

    resource: Resource
    observed: Observed
    owner: Owner

    @property
    def ours(self) -> StoredWorkspace | None:
        """The stored workspace, only if it belongs to this very resource."""
        workspace = self.observed.workspace
        return workspace if workspace is not None and workspace.owner == self.owner else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A living resource with a valid spec, and a store that answered."""

    resource: Resource
    wish: Wish
    observed: Observed
    owner: Owner

    @property
    def holding(self) -> "Holding | None":
        """Ours: what is known once the stored workspace belongs to this very resource."""
        workspace = self.observed.workspace
        if workspace is None or workspace.owner != self.owner:
            return None
        return Holding(resource=self.resource, wish=self.wish, observed=self.observed, workspace=workspace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A living resource, its valid spec, and its own workspace in the store."""

    resource: Resource
    wish: Wish
    observed: Observed
    workspace: StoredWorkspace

    @property
    def migration(self) -> Migration | None:
        """The identifier change that has not ended, if there is one."""
        return open_migration(self.observed)

    @property
    def mode_wanted(self) -> Mode:
        """The wanted mode; a spec that leaves it out wants what is in force."""
        return self.wish.mode or self.workspace.mode

    @property
    def account_fits(self) -> bool:
        """Whether the workspace lies in the account that the spec names."""
        return self.wish.account == self.workspace.account

    @property
    def mode_may_follow(self) -> bool:
        """Whether the wanted mode is in force or can be reached."""
        return may_change(self.workspace.mode, self.mode_wanted)

    @property
    def settings_due(self) -> Settings:
        """What shall be in force now.

        While a change of mode is outstanding, the update rule of the mode in force stays as it is: old rules
        hold for every call until the switch. The rule of the mode to come has no effect yet and is put in
        force beforehand, so that it holds from the switch on.
        """
        due, stored = self.wish.settings, self.workspace.settings
        if self.mode_wanted is self.workspace.mode:
            return due
        if self.workspace.mode is Mode.EMAIL_OR_ID:
            return replace(due, email_updates=stored.email_updates)
        return replace(due, id_updates=stored.id_updates)

    @property
    def everything_is_in_force(self) -> bool:
        """Whether nothing of this generation is left to do."""
        credentials = self.observed.credentials
        return (
            self.account_fits
            and self.observed.name_holder is None
            and self.mode_wanted is self.workspace.mode
            and self.wish.settings == self.workspace.settings
            and self.migration is None
            and (credentials is None or credentials.is_settled(self.resource.rotation_request))
        )
