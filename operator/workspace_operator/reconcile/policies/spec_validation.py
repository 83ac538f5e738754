"""Policies that reject a spec that is invalid, alone or in comparison with what is in force."""

from workspace_operator.errors import InvalidInput
from workspace_operator.reconcile.model.context import OwnedContext
from workspace_operator.reconcile.model.desired import WORKSPACE_ID_PATTERN, InvalidSpec, Resource
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import PolicyResult
from workspace_operator.reconcile.status import messages
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.rules import RULES_FOR_NEW_VALUES, rule_problems
from workspace_operator.resources.workspaces import ADOPT, RECREATE, RECREATE_NEW
from workspace_operator.sending.addresses import parse_mailbox
from workspace_operator.workspaces.model import Settings

SENDER = "spec.sending.from"


def spec_problems(resource: Resource) -> tuple[Problem, ...]:
    """All problems of a resource that do not depend on the store."""
    desired = resource.desired
    problems = desired.problems if isinstance(desired, InvalidSpec) else ()
    if resource.adopt_annotation and resource.adopt_workspace_id is None:
        message = "must be the number of a workspace, its workspaceID"
        problems += (Problem(path=f"metadata.annotations[{ADOPT}]", message=message),)
    recreate = resource.recreate_annotation
    if recreate not in ("", RECREATE_NEW) and not WORKSPACE_ID_PATTERN.fullmatch(recreate):
        message = f"must be the number of a workspace, or {RECREATE_NEW}"
        problems += (Problem(path=f"metadata.annotations[{RECREATE}]", message=message),)
    return problems


def reject_invalid_spec(owned: OwnedContext) -> PolicyResult | None:
    """Reject another account, a mode that cannot be reached (identity-rules §7), and invalid new values."""
    problems = list(new_value_problems(owned.desired.settings, owned.workspace.settings))
    if not owned.account_matches:
        problems.append(Problem(path="spec.accountName", message=messages.account_mismatch(owned.workspace)))
    if not owned.is_migration_allowed:
        message = messages.mode_not_reachable(owned.workspace.mode, owned.desired_mode)
        problems.append(Problem(path="spec.identifiers.mode", message=message))
    return invalid_spec_outcome(tuple(problems)) if problems else None


def new_value_problems(wanted: Settings, stored: Settings | None) -> tuple[Problem, ...]:
    """Problems of values that are not in force yet; ``stored`` is None for a new workspace.

    The API server checks the same rules, unless its CustomResourceDefinition is older than the operator, or the
    resource older than the rule.
    """
    problems = rule_problems(
        RULES_FOR_NEW_VALUES, _as_document(wanted), None if stored is None else _as_document(stored)
    )
    is_new_sender = wanted.sender != (None if stored is None else stored.sender)
    return problems or (_sender_problems(wanted.sender) if is_new_sender and wanted.sender else ())


def _sender_problems(sender: str) -> tuple[Problem, ...]:
    """What the rule in CEL cannot check: the lengths of name and address, and the domain."""
    try:
        parse_mailbox(sender, field=SENDER)
    except InvalidInput as error:
        return (Problem(path=SENDER, message=f"must be an address that can send: {error}"),)
    return ()


def _as_document(settings: Settings) -> dict[str, object]:
    behavior = {} if settings.test_address is None else {"testAddress": settings.test_address}
    sending = {} if settings.sender is None else {"from": settings.sender}
    return {"spec": {"displayName": settings.display_name, "sendBehavior": behavior, "sending": sending}}


def invalid_spec_outcome(problems: tuple[Problem, ...]) -> Outcome:
    """The outcome of an invalid spec: nothing is applied until every problem is fixed."""
    return Outcome(reason=Reason.INVALID_SPEC, message=messages.invalid(problems))
