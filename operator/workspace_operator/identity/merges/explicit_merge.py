"""Explicit merges: the handler of the merge command (identity-rules §5, Requested merges)."""

from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.activity_log import merge_events
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.identity.model.lookup import find_or_ignore
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.refusal_reasons import SAME_PERSON


def merge(working_set: WorkingSet, command: MergePeople, *, now: int) -> CommandResult:
    """Merge any two people, in any mode; the command names the primary."""
    primary = find_or_ignore(working_set, command.primary, field="primary")
    secondary = find_or_ignore(working_set, command.secondary, field="secondary")
    if isinstance(primary, CommandResult) or isinstance(secondary, CommandResult):
        return _failed_side(primary, secondary)
    if primary is secondary:
        return CommandResult(effect=Effect.UNCHANGED, person=primary, before=primary, reason=SAME_PERSON)
    merged = survivor(primary, secondary, mode=working_set.mode, now=now)
    working_set.merge_into(merged, secondary.cio_id)
    working_set.events += merge_events(primary, secondary, merged, automatic=False, now=now)
    return CommandResult(effect=Effect.MERGED, person=merged, before=primary, secondary=secondary)


def _failed_side(*sides: Person | CommandResult) -> CommandResult:
    """The result of a merge in which a reference matches no person; a rejection takes precedence."""
    failures = [side for side in sides if isinstance(side, CommandResult)]
    return next((failure for failure in failures if failure.effect is Effect.REJECTED), failures[0])
