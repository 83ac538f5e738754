"""Finding people for the calls that create nobody: delete, suppress, merge, devices taken away, segments."""

from workspace_operator.identity import reasons
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.reserved_ids import objection_to_giving
from workspace_operator.identity.rules import CIO_ID


def find_known(population: Population, reference: Reference, *, field: str = "identifiers") -> Person | Outcome:
    """Who is meant, or why the call is ignored: nobody is known by that name, or it is suppressed.

    Args:
        population: at least whom the reference names, and what blocks it.
        reference: how the person is named.
        field: where the reference stands in the call.
    """
    if reference.identifier in population.blocked:
        return Outcome(effect=Effect.IGNORED, reason=reasons.SUPPRESSED)
    person = population.find(reference)
    if person is not None:
        return person
    unknown = reasons.UNKNOWN_CIO_ID if reference.kind is CIO_ID else reasons.UNKNOWN
    return refused_reference(reference, field=field) or Outcome(effect=Effect.IGNORED, reason=unknown)


def refused_reference(reference: Reference, *, field: str = "identifiers") -> Outcome | None:
    """The outcome of naming nobody by a value that nobody can be given; None for any other value."""
    reason = objection_to_giving(reference.kind, reference.key)
    if not reason:
        return None
    path = f"{field}.{reference.kind}"
    return Outcome(effect=Effect.REJECTED, reason=reason, field=path, value=reference.value)
