"""Making one person of two: when an identify call does so by itself, and when it is asked for (identity-rules §5)."""

from workspace_operator.identity import reasons
from workspace_operator.identity.calls import MergeCall
from workspace_operator.identity.cases import Case
from workspace_operator.identity.noting import note_merged
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import CIO_ID, EMAIL_OR_ID, ID
from workspace_operator.identity.searching import find_known
from workspace_operator.identity.survivors import elder_first, survivor


def merge_partners(case: Case) -> tuple[Person, Person] | None:
    """Primary and secondary, by their ages before the call, if all conditions of identity-rules §5 hold.

    They are the subject and the owner of the wished value. Imports were turned away before (identity-rules §3, last
    row).
    """
    reference, subject, other = case.call.reference, case.subject.before, case.owner
    if not case.rules.merge_multi_identifier or case.rules.mode is not EMAIL_OR_ID:
        return None
    if reference.kind is CIO_ID or case.kind is reference.kind or subject is None or other is None:
        return None
    by_id, by_email = (subject, other) if reference.kind is ID else (other, subject)
    if by_id.email is not None or by_email.id is not None:
        return None
    return elder_first(subject, other)


def merge(population: Population, call: MergeCall, *, now: int) -> Outcome:
    """Make one person of any two, in any mode; the caller says who is primary.

    Args:
        population: at least the two people, and what blocks the references.
        call: who.
        now: Unix seconds.
    """
    primary = find_known(population, call.primary, field="primary")
    secondary = find_known(population, call.secondary, field="secondary")
    if isinstance(primary, Outcome) or isinstance(secondary, Outcome):
        return _ended(primary, secondary)
    if primary is secondary:
        return Outcome(effect=Effect.UNCHANGED, person=primary, before=primary, reason=reasons.SAME_PERSON)
    merged = survivor(primary, secondary, mode=population.mode, now=now)
    population.absorb(merged, secondary.cio_id)
    note_merged(population, primary, secondary, merged, automatic=False, now=now)
    return Outcome(effect=Effect.MERGED, person=merged, before=primary, absorbed=secondary)


def _ended(*sides: Person | Outcome) -> Outcome:
    """What a merge comes to that names somebody wrongly, or somebody unknown: what is wrong counts first."""
    ends = [each for each in sides if isinstance(each, Outcome)]
    return next((each for each in ends if each.effect is Effect.REJECTED), ends[0])
