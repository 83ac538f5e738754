"""Finding people for the calls that create nobody: delete, suppress, merge, devices taken away, segments."""

from workspace_operator.identity import reasons
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import CIO_ID


def find_known(population: Population, reference: Reference) -> Person | Outcome:
    """Who is meant, or why the call is ignored: nobody is known by that name, or it is suppressed."""
    if reference.identifier in population.blocked:
        return Outcome(effect=Effect.IGNORED, reason=reasons.SUPPRESSED)
    person = population.find(reference)
    if person is None:
        unknown = reasons.UNKNOWN_CIO_ID if reference.kind is CIO_ID else reasons.UNKNOWN
        return Outcome(effect=Effect.IGNORED, reason=unknown)
    return person
