"""Deleting, suppressing and unsuppressing (identity-rules §6)."""

from workspace_operator.identity import reasons
from workspace_operator.identity.noting import note_gone
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population, Suppression
from workspace_operator.identity.references import IdentifierKey, Reference
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID
from workspace_operator.identity.searching import find_known, refused_reference


def delete(population: Population, reference: Reference, *, now: int) -> Outcome:
    """Take a person away; their identifiers may be used again and make a new person."""
    person = find_known(population, reference)
    if isinstance(person, Outcome):
        return person
    population.remove(person.cio_id)
    note_gone(population, person, suppressed=False, now=now)
    return Outcome(effect=Effect.DELETED, person=person, before=person)


def suppress(population: Population, reference: Reference, *, suppression_id: str, now: int) -> Outcome:
    """Take a person away and block both their identifiers, the address in every mode.

    A value that nobody has is blocked by itself, as is an address where email is no identifier. That leaves no
    activity, since the value is personal. A value that is blocked already gets no second suppression.

    Args:
        population: at least the person referred to, and what blocks the reference.
        reference: whom, or which value; an email in every mode.
        suppression_id: new; it ties together what is suppressed together.
        now: Unix seconds.
    """
    person = population.find(reference)
    if person is not None:
        population.remove(person.cio_id)
        note_gone(population, person, suppressed=True, now=now)
        _block(population, _values(person), suppression_id)
        return Outcome(effect=Effect.SUPPRESSED, person=person, before=person)
    if reference.kind is CIO_ID:
        return refused_reference(reference) or Outcome(effect=Effect.IGNORED, reason=reasons.UNKNOWN_CIO_ID)
    if reference.identifier in population.blocked:
        return Outcome(effect=Effect.UNCHANGED, reason=reasons.ALREADY_SUPPRESSED)
    if refusal := refused_reference(reference):
        return refusal
    _block(population, (reference.identifier,), suppression_id)
    return Outcome(effect=Effect.SUPPRESSED)


def unsuppress(population: Population, reference: Reference) -> Outcome:
    """End every suppression that holds a value, with all that was suppressed together; restore nothing.

    Args:
        population: at least every suppression that holds the value, with everything that each of them holds.
        reference: which value; a cio_id is never blocked.
    """
    holders = population.blocked.get(reference.identifier)
    if holders is None:
        if population.find(reference) is None and (refusal := refused_reference(reference)):
            return refusal
        return Outcome(effect=Effect.UNCHANGED, reason=reasons.NOT_SUPPRESSED)
    for suppression_id in sorted(holders):
        population.release(suppression_id)
    return Outcome(effect=Effect.UNSUPPRESSED)


def _values(person: Person) -> tuple[IdentifierKey, ...]:
    """What is blocked with a person: not what they claim, for an address is blocked in every mode."""
    ids = () if person.id is None else ((ID, person.id),)
    emails = () if person.email_key is None else ((EMAIL, person.email_key),)
    return (*ids, *emails)


def _block(population: Population, values: tuple[IdentifierKey, ...], suppression_id: str) -> None:
    for kind, key in values:
        population.block(Suppression(kind=kind, key=key, suppression_id=suppression_id))
