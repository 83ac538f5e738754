"""What makes a wish impossible to follow: of itself, or from what is in force."""

from workspace_operator.reconcile.model.context import OwnedContext
from workspace_operator.reconcile.model.desired import WORKSPACE_ID_PATTERN, InvalidSpec, Resource
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import PolicyResult
from workspace_operator.reconcile.status import messages
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.rules import RULES_FOR_NEW_VALUES, rule_problems
from workspace_operator.resources.workspaces import ADOPT, RECREATE, RECREATE_NEW
from workspace_operator.workspaces.model import Settings


def spec_problems(resource: Resource) -> tuple[Problem, ...]:
    """Everything that is wrong with a resource, whatever the store holds."""
    desired = resource.desired
    problems = desired.problems if isinstance(desired, InvalidSpec) else ()
    if resource.adopt_annotation and resource.adopt_workspace_id is None:
        problems += (
            Problem(
                path=f"metadata.annotations[{ADOPT}]", message="must be the number of a workspace, its workspaceID"
            ),
        )
    if resource.recreate_annotation not in ("", RECREATE_NEW) and not WORKSPACE_ID_PATTERN.fullmatch(
        resource.recreate_annotation
    ):
        message = f"must be the number of a workspace, or {RECREATE_NEW}"
        problems += (Problem(path=f"metadata.annotations[{RECREATE}]", message=message),)
    return problems


def reject_invalid_spec(owned: OwnedContext) -> PolicyResult | None:
    """The account is for ever, not every mode leads to every other (identity-rules §7), and new texts are judged."""
    problems = list(new_value_problems(owned.desired.settings, owned.workspace.settings))
    if not owned.account_matches:
        message = messages.account_mismatch(owned.workspace)
        problems.append(Problem(path="spec.accountName", message=message))
    if not owned.is_migration_allowed:
        message = messages.mode_not_reachable(owned.workspace.mode, owned.desired_mode)
        problems.append(Problem(path="spec.identifiers.mode", message=message))
    return invalid_spec_outcome(tuple(problems)) if problems else None


def new_value_problems(wanted: Settings, in_force: Settings | None) -> tuple[Problem, ...]:
    """What is wrong with texts that are not in force yet; None: nothing is in force.

    The API server asks the same rules, but not where the definition is older than the operator, or the resource older
    than the rule.
    """
    return rule_problems(
        RULES_FOR_NEW_VALUES, _as_document(wanted), None if in_force is None else _as_document(in_force)
    )


def _as_document(settings: Settings) -> dict[str, object]:
    sending = {} if settings.test_address is None else {"testAddress": settings.test_address}
    return {"spec": {"displayName": settings.display_name, "sendBehavior": sending}}


def invalid_spec_outcome(problems: tuple[Problem, ...]) -> Outcome:
    """Nothing is applied until every problem is gone."""
    return Outcome(reason=Reason.INVALID_SPEC, message=messages.invalid(problems))
