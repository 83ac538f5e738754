"""What makes a wish impossible to follow: of itself, or from what is in force."""

from workspace_operator.reconcile import messages
from workspace_operator.reconcile.observed import Settings
from workspace_operator.reconcile.situations import Holding
from workspace_operator.reconcile.steps import Step
from workspace_operator.reconcile.verdicts import Reason, Verdict
from workspace_operator.reconcile.wishes import WORKSPACE_NUMBER, InvalidWish, Resource
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.rules import RULES_FOR_NEW_VALUES, broken
from workspace_operator.resources.workspaces import ADOPT, RECREATE, RECREATE_NEW


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
    if resource.recreates not in ("", RECREATE_NEW) and not WORKSPACE_NUMBER.fullmatch(resource.recreates):
        message = f"must be the number of a workspace, or {RECREATE_NEW}"
        problems += (Problem(path=f"metadata.annotations[{RECREATE}]", message=message),)
    return problems


def wish_cannot_be_followed(holding: Holding) -> Step | None:
    """The account is for ever, not every mode leads to every other (identity-rules §7), and new texts are judged."""
    problems = list(problems_of_new_values(holding.wish.settings, holding.workspace.settings))
    if not holding.account_fits:
        message = messages.account_is_another(holding.workspace)
        problems.append(Problem(path="spec.accountName", message=message))
    if not holding.mode_may_follow:
        message = messages.mode_may_not_follow(holding.workspace.mode, holding.mode_wanted)
        problems.append(Problem(path="spec.identifiers.mode", message=message))
    return invalid(tuple(problems)) if problems else None


def problems_of_new_values(wanted: Settings, in_force: Settings | None) -> tuple[Problem, ...]:
    """What is wrong with texts that are not in force yet; None: nothing is in force.

    The API server asks the same rules, but not where the definition is older than the operator, or the resource older
    than the rule.
    """
    return broken(RULES_FOR_NEW_VALUES, _judged(wanted), None if in_force is None else _judged(in_force))


def _judged(settings: Settings) -> dict[str, object]:
    sending = {} if settings.test_address is None else {"testAddress": settings.test_address}
    return {"spec": {"displayName": settings.display_name, "sendBehavior": sending}}


def invalid(problems: tuple[Problem, ...]) -> Verdict:
    """Nothing is applied until every problem is gone."""
    return Verdict(reason=Reason.INVALID_SPEC, message=messages.invalid(problems))
