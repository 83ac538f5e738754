"""Planned removals: what happens to the people of a resource whose manifest is gone, once it is deleted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.outcomes import Outcome
from workspace_operator.reconcile.model.policy_results import Ignore, PolicyResult, RemoveFinalizer
from workspace_operator.reconcile.plan.results import PlanResult
from workspace_operator.reconcile.status.messages import format_people
from workspace_operator.resources.workspaces import DeletionPolicy
from workspace_operator.workspaces.model import Workspace


class RemovalEffect(StrEnum):
    """What the deletion of a resource does to its workspace; values as in the JSON of a plan."""

    NONE = "none"
    KEPT = "kept"
    DELETED = "deleted"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRemoval:
    """The deletion of a resource whose manifest is gone.

    Attributes:
        namespaced_name: NAMESPACE/NAME.
        workspace: its workspace in the store, or None.
        people: of that workspace.
        message: what stops the deletion; empty if nothing does.
    """

    namespaced_name: str
    workspace: Workspace | None
    people: int
    deletion_policy: DeletionPolicy
    effect: RemovalEffect
    message: str = ""

    @property
    def result(self) -> PlanResult:
        """Blocked if the deletion would stop until a person acts."""
        return _RESULTS[self.effect]

    @property
    def text(self) -> str:
        """The consequence in one sentence."""
        if self.workspace is None:
            return "the database has no workspace of this resource."
        whole = f"workspace {self.workspace.workspace_id} and its {format_people(self.people)}"
        match self.effect:
            case RemovalEffect.KEPT | RemovalEffect.NONE:
                return f"deletionPolicy {self.deletion_policy}: {whole} stay in the database, without a resource."
            case RemovalEffect.DELETED:
                return f"deletionPolicy {self.deletion_policy}, confirmed: {whole} would be destroyed."
            case RemovalEffect.STOPPED:
                return f"deletionPolicy {self.deletion_policy}: the deletion would stop. {self.message}"
        assert_never(self.effect)


_RESULTS = {
    RemovalEffect.NONE: PlanResult.NOTHING,
    RemovalEffect.KEPT: PlanResult.CHANGES,
    RemovalEffect.DELETED: PlanResult.CHANGES,
    RemovalEffect.STOPPED: PlanResult.BLOCKED,
}


def planned_removal(
    resource: Resource, workspace: Workspace | None, result: PolicyResult, *, people: int
) -> PlannedRemoval:
    """The planned deletion of a resource: ``result`` is the operator's decision about it (`deletion.finalize`)."""
    effect = RemovalEffect.NONE if workspace is None else _effect(result)
    return PlannedRemoval(
        namespaced_name=resource.namespaced_name,
        workspace=workspace,
        people=people,
        deletion_policy=resource.deletion_policy,
        effect=effect,
        message=result.message if isinstance(result, Outcome) else "",
    )


def _effect(result: PolicyResult) -> RemovalEffect:
    if isinstance(result, Outcome):
        return RemovalEffect.STOPPED
    return RemovalEffect.KEPT if isinstance(result, Ignore | RemoveFinalizer) else RemovalEffect.DELETED
