"""Planned removals: what the deletion of a resource does whose manifest is gone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from workspace_operator.reconcile.model.accounts import Account
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.outcomes import Outcome
from workspace_operator.reconcile.model.policy_results import Ignore, PolicyResult, RemoveFinalizer
from workspace_operator.reconcile.plan.results import PlanResult
from workspace_operator.reconcile.status.messages import format_people
from workspace_operator.resources import accounts
from workspace_operator.resources.workspaces import KIND, DeletionPolicy
from workspace_operator.workspaces.model import Workspace


class RemovalEffect(StrEnum):
    """What the deletion of a resource does to its workspace or account; values as in the JSON of a plan."""

    NONE = "none"
    KEPT = "kept"
    DELETED = "deleted"
    STOPPED = "stopped"
    ENDED = "ended"
    """Limit, admins and members of an account end; its workspaces stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRemoval:
    """The deletion of a Workspace whose manifest is gone.

    Attributes:
        namespaced_name: NAMESPACE/NAME.
        workspace: its workspace in the store, or None.
        people: of that workspace.
        message: what stops the deletion; empty if nothing does.
    """

    kind: ClassVar[str] = KIND
    namespaced_name: str
    workspace: Workspace | None
    people: int
    deletion_policy: DeletionPolicy
    effect: RemovalEffect
    message: str = ""

    @property
    def title(self) -> str:
        """NAMESPACE/NAME."""
        return self.namespaced_name

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
        return f"deletionPolicy {self.deletion_policy}: the deletion would stop. {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAccountRemoval:
    """The deletion of an Account whose manifest is gone.

    Attributes:
        namespaced_name: NAMESPACE/NAME.
        account: as stored; None if the store has no Account of the name.
        workspaces: how many workspaces the account has.
    """

    kind: ClassVar[str] = accounts.KIND
    namespaced_name: str
    account: Account | None
    workspaces: int = 0

    @property
    def title(self) -> str:
        """Account NAMESPACE/NAME."""
        return f"{self.kind} {self.namespaced_name}"

    @property
    def effect(self) -> RemovalEffect:
        """None if the Account is not in force."""
        return RemovalEffect.NONE if self.account is None else RemovalEffect.ENDED

    @property
    def result(self) -> PlanResult:
        """Never blocked: an Account has no finalizer."""
        return _RESULTS[self.effect]

    @property
    def text(self) -> str:
        """The consequence in one sentence."""
        if self.account is None:
            return "the database has no such Account."
        settings = self.account.settings
        limit = "no limit" if settings.workspace_limit is None else f"limit {settings.workspace_limit}"
        people = f"{_count(len(settings.admins), 'admin')} and {_count(len(settings.members), 'member')}"
        return f"limit, admins and members would end ({limit}, {people}); {_stay(self.workspaces)}."


Removal = PlannedRemoval | PlannedAccountRemoval
"""The deletion of a resource whose manifest is gone."""


def _stay(workspaces: int) -> str:
    return f"its {workspaces} workspaces stay" if workspaces != 1 else "its workspace stays"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


_RESULTS = {
    RemovalEffect.NONE: PlanResult.NOTHING,
    RemovalEffect.KEPT: PlanResult.CHANGES,
    RemovalEffect.DELETED: PlanResult.CHANGES,
    RemovalEffect.STOPPED: PlanResult.BLOCKED,
    RemovalEffect.ENDED: PlanResult.CHANGES,
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
