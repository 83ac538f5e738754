"""Moving the workspaces of one cluster to another: a cluster was made anew, or its database has a new one beside it."""

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
    """A workspace that goes to an owner in another cluster; ``obstacle`` says why it cannot, empty if it can."""

    workspace: Workspace
    owner: Owner
    conflict: str = ""

    @property
    def action(self) -> ChangeOwner:
        """The change of owner."""
        return ChangeOwner(
            workspace_id=self.workspace.workspace_id, row_version=self.workspace.row_version, owner=self.owner
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePlanner:
    """Plans moves; ``replace_empty`` lets them take the place of empty workspaces."""

    workspaces: Workspaces
    ownership: Ownership
    owners: OwnerStates
    replace_empty: bool

    def plan(self, source: str, target: str | None, namespace: str | None) -> Sequence[WorkspaceMove]:
        """List the moves of all workspaces of a cluster, or of those of one of its namespaces.

        Args:
            source: the cluster that has the workspaces.
            target: the cluster that gets them; None for the only other one that the database knows.
            namespace: only its workspaces.

        Raises:
            NotFound: the cluster has no such workspaces.
            InvalidInput: the target is not clear, or the source itself.
        """
        all_workspaces = self.workspaces.list()
        theirs = [each for each in all_workspaces if each.owner.cluster == source]
        found = [each for each in theirs if namespace in (None, each.owner.namespace)]
        if not found:
            where = "" if namespace is None else f" in the namespace {namespace}"
            known = ", ".join(sorted({each.owner.cluster for each in all_workspaces})) or "none"
            raise NotFound(f"cluster {source} has no workspaces{where}; clusters that have some: {known}")
        cluster = self._target(source, target, all_workspaces)
        if cluster == source:
            raise InvalidInput("--to-cluster must be another cluster than --from-cluster", field="--to-cluster")
        return [self._move(each, cluster, all_workspaces) for each in found]

    def _target(self, source: str, target: str | None, all_workspaces: Sequence[Workspace]) -> str:
        if target is not None:
            return target
        known = ({each.owner.cluster for each in all_workspaces} | set(self.owners.heartbeats)) - {source}
        alive = {each for each in known if self.owners.is_alive(each)}
        for candidates in (alive, known):
            if len(candidates) == 1:
                return next(iter(candidates))
        named = ", ".join(sorted(known)) or "none"
        raise InvalidInput(f"say --to-cluster: the database knows these other clusters: {named}", field="--to-cluster")

    def _move(self, workspace: Workspace, cluster: str, all_workspaces: Sequence[Workspace]) -> WorkspaceMove:
        owner = replace(workspace.owner, cluster=cluster, uid="", created_at="")
        place = (cluster, owner.namespace)
        there = [each for each in all_workspaces if (each.owner.cluster, each.owner.namespace) == place]
        holder = next((each for each in there if each.owner.name == owner.name), None)
        others = [each for each in there if each is not holder]
        conflict = self._holder(holder) or _name_conflict(workspace, others)
        return WorkspaceMove(workspace=workspace, owner=owner, conflict=conflict)

    def _holder(self, holder: Workspace | None) -> str:
        if holder is None:
            return ""
        if not self.ownership.is_empty(holder.workspace_id):
            return f"workspace {holder.workspace_id} is there already, and is not empty"
        if not self.replace_empty:
            return f"workspace {holder.workspace_id} is there already; it is empty: --replace-empty replaces it"
        return ""


def _name_conflict(workspace: Workspace, others: Sequence[Workspace]) -> str:
    key = comparison_key(workspace.settings.display_name)
    for each in others:
        if each.account == workspace.account and comparison_key(each.settings.display_name) == key:
            return f"workspace {each.workspace_id} of {each.owner.namespace}/{each.owner.name} has its display name"
    return ""
