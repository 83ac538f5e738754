"""What makes a wish impossible to follow: of itself, or from what is in force."""

from workspace_operator.reconcile import messages
from workspace_operator.reconcile.situations import Holding
from workspace_operator.reconcile.steps import Step
from workspace_operator.reconcile.verdicts import Reason, Verdict
from workspace_operator.reconcile.wishes import InvalidWish, Resource
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import ADOPT


def problems_of(resource: Resource) -> tuple[Problem, ...]:
    """Everything that is wrong with a resource, whatever the store holds."""
    wish = resource.wish
    problems = wish.problems if isinstance(wish, InvalidWish) else ()
    if resource.adopts and resource.adopts_number is None:
        problems += (
            Problem(
                path=f"metadata.annotations[{ADOPT}]", message="must be the number of a workspace, its workspaceID"
            ),
        )
    return problems


def wish_cannot_be_followed(holding: Holding) -> Step | None:
    """The account is for ever, and not every mode leads to every other (identity-rules §7)."""
    problems = []
    if not holding.account_fits:
        message = messages.account_is_another(holding.workspace)
        problems.append(Problem(path="spec.accountName", message=message))
    if not holding.mode_may_follow:
        message = messages.mode_may_not_follow(holding.workspace.mode, holding.mode_wanted)
        problems.append(Problem(path="spec.identifiers.mode", message=message))
    return invalid(tuple(problems)) if problems else None


def invalid(problems: tuple[Problem, ...]) -> Verdict:
    """Nothing is applied until every problem is gone."""
    return Verdict(reason=Reason.INVALID_SPEC, message=messages.invalid(problems))
