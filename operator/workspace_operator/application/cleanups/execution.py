"""The use case that carries decisions out: read the people again, decide which to skip, execute the others."""

from collections.abc import Sequence
from typing import Final

from workspace_operator.application.ports import ExecutedDecision, UnitOfWork
from workspace_operator.cleanups.execution import ExecutionContext, SkipReason, command_of, skip_reason
from workspace_operator.cleanups.model import StoredDecision
from workspace_operator.identity.command_handlers.dispatch import NewCioID, handle
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import IdentityRules, Mode

_REFUSED: Final = frozenset({Effect.REJECTED, Effect.IGNORED, Effect.SKIPPED})


def execute_decisions(unit: UnitOfWork, decisions: Sequence[StoredDecision], *, now: int) -> Sequence[ExecutedDecision]:
    """Carry decisions out, in order, in a unit of work; ``now`` in Unix seconds. Returns one result per decision."""
    if unit.rules.mode is not Mode.ID_ONLY:
        return [ExecutedDecision(stored=each, skipped=SkipReason.MODE_CHANGED) for each in decisions]
    commands = [(each, command_of(each.cio_id, each.decision)) for each in decisions]
    loaded = unit.load([command for _, command in commands if command is not None])
    new_cio_ids = iter(loaded.new_cio_ids)
    executed = [
        # A person who is kept is not loaded: whether that has no effect is known from the count.
        ExecutedDecision(stored=stored, skipped=None if stored.refusal is None else SkipReason.NOT_NEEDED)
        if command is None
        else _execute(unit.rules, loaded.working_set, stored, command, now=now, new_cio_id=next(new_cio_ids))
        for stored, command in commands
    ]
    unit.flush(now=now)
    return executed


def _execute(
    rules: IdentityRules,
    people: WorkingSet,
    stored: StoredDecision,
    command: Command,
    *,
    now: int,
    new_cio_id: NewCioID,
) -> ExecutedDecision:
    before = people.people.get(stored.cio_id)
    skipped = skip_reason(
        ExecutionContext(
            decision=stored.decision,
            decided_key=stored.seen_email_key,
            person=before,
            survivor=people.people.get(stored.decision.survivor or ""),
            decided_survivor_key=stored.seen_survivor_key,
            mode=rules.mode,
            counts=stored.refusal is None,
        )
    )
    if skipped is not None:
        return ExecutedDecision(stored=stored, skipped=skipped)
    result = handle(rules, people, command, now=now, new_cio_id=new_cio_id)
    if result.effect in _REFUSED or result.refusals:
        return ExecutedDecision(stored=stored, skipped=SkipReason.REFUSED)
    return ExecutedDecision(stored=stored, before=before)
