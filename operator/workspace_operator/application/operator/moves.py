"""Moves of workspaces from one cluster to another, such as after a cluster was recreated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workspace_operator.application.operator.orphans import OwnerStates
from workspace_operator.application.ports import Ownership, Workspaces
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.reconcile.model.actions import ChangeOwner
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.workspaces.model import Owner, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceMove:
    """The move of a workspace to an owner in another cluster; ``conflict`` says why it is impossible, or is empty."""

    workspace: Workspace
    owner: Owner
    conflict: str = ""

    @property
    def action(self) -> ChangeOwner:
        """The action that changes the owner."""
        return ChangeOwner(
            workspace_id=self.workspace.workspace_id, row_version=self.workspace.row_version, owner=self.owner
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePlanner:
    """Plans moves; with ``replace_empty`` they may replace empty workspaces."""

    workspaces: Workspaces
    ownership: Ownership
    owners: OwnerStates
    replace_empty: bool

    def plan(self, source: str, target: str | None, namespace: str | None) -> Sequence[WorkspaceMove]:
        """Plan the moves of all workspaces of a cluster, or of one of its namespaces.

        The target is by default the only other cluster that the database knows.

        Raises:
            NotFound: the cluster has no such workspaces.
            InvalidInput: the target is ambiguous, or equals the source.
        """
        all_workspaces = self.workspaces.list()
        of_source = [workspace for workspace in all_workspaces if workspace.owner.cluster == source]
        found = [workspace for workspace in of_source if namespace in (None, workspace.owner.namespace)]
        if not found:
            where = "" if namespace is None else f" in the namespace {namespace}"
            known = ", ".join(sorted({workspace.owner.cluster for workspace in all_workspaces})) or "none"
            raise NotFound(f"cluster {source} has no workspaces{where}; clusters that have some: {known}")
        cluster = self._target(source, target, all_workspaces)
        if cluster == source:
            raise InvalidInput("--to-cluster must be another cluster than --from-cluster", field="--to-cluster")
        return [self._move(workspace, cluster, all_workspaces) for workspace in found]

    def _target(self, source: str, target: str | None, all_workspaces: Sequence[Workspace]) -> str:
        if target is not None:
            return target
        known = ({workspace.owner.cluster for workspace in all_workspaces} | set(self.owners.heartbeats)) - {source}
        alive = {cluster for cluster in known if self.owners.is_alive(cluster)}
        for candidates in (alive, known):
            if len(candidates) == 1:
                return next(iter(candidates))
        named = ", ".join(sorted(known)) or "none"
        message = f"add --to-cluster CLUSTER; other clusters that the database knows: {named}"
        raise InvalidInput(message, field="--to-cluster")

    def _move(self, workspace: Workspace, cluster: str, all_workspaces: Sequence[Workspace]) -> WorkspaceMove:
        owner = replace(workspace.owner, cluster=cluster, uid="", created_at="")
        place = (cluster, owner.namespace)
        neighbours = [other for other in all_workspaces if (other.owner.cluster, other.owner.namespace) == place]
        existing = next((other for other in neighbours if other.owner.name == owner.name), None)
        others = [other for other in neighbours if other is not existing]
        conflict = self._replacement_conflict(existing) or _name_conflict(workspace, others)
        return WorkspaceMove(workspace=workspace, owner=owner, conflict=conflict)

    def _replacement_conflict(self, existing: Workspace | None) -> str:
        if existing is None:
            return ""
        if not self.ownership.is_empty(existing.workspace_id):
            return f"the target has workspace {existing.workspace_id}, which is not empty"
        if not self.replace_empty:
            return f"the target has workspace {existing.workspace_id}, which is empty: --replace-empty replaces it"
        return ""


def _name_conflict(workspace: Workspace, others: Sequence[Workspace]) -> str:
    key = comparison_key(workspace.settings.display_name)
    for other in others:
        if other.account == workspace.account and comparison_key(other.settings.display_name) == key:
            return f"workspace {other.workspace_id} of {other.owner.namespace}/{other.owner.name} has its display name"
    return ""
