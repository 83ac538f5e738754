"""Making one person of two: when an identify call does so by itself, and when it is asked for (identity-rules §5)."""

from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.activity_log import log_merged
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.identity.model.lookup import find_or_ignore
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values import refusal_reasons


def merge(working_set: WorkingSet, command: MergePeople, *, now: int) -> CommandResult:
    """Make one person of any two, in any mode; the caller says who is primary.

    Args:
        working_set: at least the two people, and what blocks the references.
        command: who.
        now: Unix seconds.
    """
    primary = find_or_ignore(working_set, command.primary, field="primary")
    secondary = find_or_ignore(working_set, command.secondary, field="secondary")
    if isinstance(primary, CommandResult) or isinstance(secondary, CommandResult):
        return _failed_side(primary, secondary)
    if primary is secondary:
        return CommandResult(
            effect=Effect.UNCHANGED, person=primary, before=primary, reason=refusal_reasons.SAME_PERSON
        )
    merged = survivor(primary, secondary, mode=working_set.mode, now=now)
    working_set.merge_into(merged, secondary.cio_id)
    log_merged(working_set, primary, secondary, merged, automatic=False, now=now)
    return CommandResult(effect=Effect.MERGED, person=merged, before=primary, secondary=secondary)


def _failed_side(*sides: Person | CommandResult) -> CommandResult:
    """What a merge comes to that names somebody wrongly, or somebody unknown: what is wrong counts first."""
    failures = [each for each in sides if isinstance(each, CommandResult)]
    return next((each for each in failures if each.effect is Effect.REJECTED), failures[0])
