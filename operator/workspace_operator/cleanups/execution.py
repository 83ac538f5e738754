"""How decisions are carried out: their order, their commands, and why one is skipped (cleanups §6)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workspace_operator.cleanups.decisions import Decision, DecisionKind, takes_address, takes_another_id
from workspace_operator.identity.model.commands import DELETE, Command, DeletePerson, Identify, MergePeople
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.rules import Mode


class SkipReason(StrEnum):
    """Why a decision is not carried out; values as in the API."""

    MODE_CHANGED = "modeChanged"
    PERSON_GONE = "personGone"
    CHANGED = "changed"
    SURVIVOR_GONE = "survivorGone"
    SURVIVOR_CHANGED = "survivorChanged"
    NOT_NEEDED = "notNeeded"
    REFUSED = "refused"
    """The identity rules refuse the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionContext:
    """A decision, and the people as they are when it is carried out.

    Attributes:
        decided_key: the e-mail key that the person had when the decision was made.
        decided_survivor_key: the same of the survivor.
        person: None if there is no such person any more.
        survivor: for a merge, the person to merge into; None if there is no such person any more.
        counts: whether the decision met its requirements when the decisions were last counted (cleanups §3).
    """

    decision: Decision
    decided_key: str | None
    person: Person | None
    survivor: Person | None = None
    decided_survivor_key: str | None = None
    mode: Mode = Mode.ID_ONLY
    counts: bool = True


def skip_reason(context: ExecutionContext) -> SkipReason | None:
    """Why a decision is skipped: the first row of cleanups §6 that holds; None if it is carried out."""
    return next((reason for reason, holds in SKIPPED if holds(context)), None)


def mode_has_changed(context: ExecutionContext) -> bool:
    """Row a: the migration went through, so that addresses are identifiers."""
    return context.mode is not Mode.ID_ONLY


def person_is_gone(context: ExecutionContext) -> bool:
    """Row b: the person was deleted or merged since."""
    return context.person is None


def person_has_changed(context: ExecutionContext) -> bool:
    """Row c: the address is not the one that was decided about."""
    return context.person is not None and context.person.email_key != context.decided_key


def survivor_is_gone(context: ExecutionContext) -> bool:
    """Row d: the survivor was deleted or merged since."""
    return context.decision.kind is DecisionKind.MERGE and context.survivor is None


def survivor_has_changed(context: ExecutionContext) -> bool:
    """Row e: the survivor has another address by now, or would take an address, or an id that is another one."""
    person, survivor = context.person, context.survivor
    if person is None or survivor is None:
        return False
    is_another = survivor.email_key != context.decided_survivor_key
    return is_another or takes_address(survivor) or takes_another_id(survivor, person)


def is_not_needed(context: ExecutionContext) -> bool:
    """Row f: the decision has no effect."""
    return not context.counts


SKIPPED: Final[tuple[tuple[SkipReason, Callable[[ExecutionContext], bool]], ...]] = (
    (SkipReason.MODE_CHANGED, mode_has_changed),
    (SkipReason.PERSON_GONE, person_is_gone),
    (SkipReason.CHANGED, person_has_changed),
    (SkipReason.SURVIVOR_GONE, survivor_is_gone),
    (SkipReason.SURVIVOR_CHANGED, survivor_has_changed),
    (SkipReason.NOT_NEEDED, is_not_needed),
)
"""The rows of cleanups §6, in order."""


def phase(decision: Decision) -> int:
    """The phase in which a decision is carried out: merges first, so that none moves an address."""
    return 0 if decision.kind is DecisionKind.MERGE else 1


def command_of(cio_id: str, decision: Decision) -> Command | None:
    """The command that carries out a decision about a person; None to keep it as it is."""
    reference = reference_to_cio_id(cio_id)
    match decision.kind:
        case DecisionKind.KEEP:
            return None
        case DecisionKind.MERGE:
            return MergePeople(primary=reference_to_cio_id(str(decision.survivor)), secondary=reference)
        case DecisionKind.DELETE:
            return DeletePerson(reference=reference)
        case _:  # a correction, or the address is cleared
            return Identify(reference=reference, email=decision.email or DELETE, attributes={}, update_only=True)
