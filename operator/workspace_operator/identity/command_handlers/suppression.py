"""Deleting, suppressing and unsuppressing (identity-rules §6)."""

from workspace_operator.identity.model.activity_log import log_deleted
from workspace_operator.identity.model.lookup import find_or_ignore, refused_reference
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID


def delete(working_set: WorkingSet, reference: Reference, *, now: int) -> CommandResult:
    """Take a person away; their identifiers may be used again and make a new person."""
    person = find_or_ignore(working_set, reference)
    if isinstance(person, CommandResult):
        return person
    working_set.remove(person.cio_id)
    log_deleted(working_set, person, suppressed=False, now=now)
    return CommandResult(effect=Effect.DELETED, person=person, before=person)


def suppress(working_set: WorkingSet, reference: Reference, *, suppression_id: str, now: int) -> CommandResult:
    """Take a person away and block both their identifiers, the address in every mode.

    A value that nobody has is blocked by itself, as is an address where email is no identifier. That leaves no
    activity, since the value is personal. A value that is blocked already gets no second suppression.

    Args:
        working_set: at least the person referred to, and what blocks the reference.
        reference: whom, or which value; an email in every mode.
        suppression_id: new; it ties together what is suppressed together.
        now: Unix seconds.
    """
    person = working_set.find(reference)
    if person is not None:
        working_set.remove(person.cio_id)
        log_deleted(working_set, person, suppressed=True, now=now)
        _suppress_all(working_set, _values(person), suppression_id)
        return CommandResult(effect=Effect.SUPPRESSED, person=person, before=person)
    if reference.kind is CIO_ID:
        return refused_reference(reference) or CommandResult(
            effect=Effect.IGNORED, reason=refusal_reasons.UNKNOWN_CIO_ID
        )
    if reference.identifier in working_set.suppressed:
        return CommandResult(effect=Effect.UNCHANGED, reason=refusal_reasons.ALREADY_SUPPRESSED)
    if refusal := refused_reference(reference):
        return refusal
    _suppress_all(working_set, (reference.identifier,), suppression_id)
    return CommandResult(effect=Effect.SUPPRESSED)


def unsuppress(working_set: WorkingSet, reference: Reference) -> CommandResult:
    """End every suppression that holds a value, with all that was suppressed together; restore nothing.

    Args:
        working_set: at least every suppression that holds the value, with everything that each of them holds.
        reference: which value; a cio_id is never blocked.
    """
    holders = working_set.suppressed.get(reference.identifier)
    if holders is None:
        if working_set.find(reference) is None and (refusal := refused_reference(reference)):
            return refusal
        return CommandResult(effect=Effect.UNCHANGED, reason=refusal_reasons.NOT_SUPPRESSED)
    for suppression_id in sorted(holders):
        working_set.unsuppress(suppression_id)
    return CommandResult(effect=Effect.UNSUPPRESSED)


def _values(person: Person) -> tuple[IdentifierKey, ...]:
    """What is blocked with a person: not what they claim, for an address is blocked in every mode."""
    ids = () if person.id is None else ((ID, person.id),)
    emails = () if person.email_key is None else ((EMAIL, person.email_key),)
    return (*ids, *emails)


def _suppress_all(working_set: WorkingSet, values: tuple[IdentifierKey, ...], suppression_id: str) -> None:
    for kind, key in values:
        working_set.suppress(Suppression(kind=kind, key=key, suppression_id=suppression_id))
