"""Handlers that delete, suppress and unsuppress (identity-rules §6)."""

from workspace_operator.identity.model.activity_log import log_deleted
from workspace_operator.identity.model.lookup import find_or_ignore, refused_reference
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import Suppression, WorkingSet, identifiers_of
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.refusal_reasons import ALREADY_SUPPRESSED, NOT_SUPPRESSED, UNKNOWN_CIO_ID
from workspace_operator.identity.values.rules import CIO_ID, EMAIL_OR_ID


def delete(working_set: WorkingSet, reference: Reference, *, now: int) -> CommandResult:
    """Delete a person; the identifiers are free and may create a new person."""
    person = find_or_ignore(working_set, reference)
    if isinstance(person, CommandResult):
        return person
    working_set.remove(person.cio_id)
    log_deleted(working_set, person, suppressed=False, now=now)
    return CommandResult(effect=Effect.DELETED, person=person, before=person)


def suppress(working_set: WorkingSet, reference: Reference, *, suppression_id: str, now: int) -> CommandResult:
    """Delete a person and suppress both identifiers, the email in every mode.

    A value that no person has is suppressed alone, as is an email where email is no identifier. This logs no
    activity, since the value is personal data. A value that is already suppressed gets no second suppression. All
    values that are suppressed together have one new ``suppression_id``.
    """
    person = working_set.find(reference)
    if person is not None:
        working_set.remove(person.cio_id)
        log_deleted(working_set, person, suppressed=True, now=now)
        values = identifiers_of(EMAIL_OR_ID, person.id, person.email_key)  # an email in every mode
        _suppress_all(working_set, values, suppression_id)
        return CommandResult(effect=Effect.SUPPRESSED, person=person, before=person)
    if reference.kind is CIO_ID:
        return refused_reference(reference) or CommandResult(effect=Effect.IGNORED, reason=UNKNOWN_CIO_ID)
    if reference.identifier in working_set.suppressed:
        return CommandResult(effect=Effect.UNCHANGED, reason=ALREADY_SUPPRESSED)
    if refusal := refused_reference(reference):
        return refusal
    _suppress_all(working_set, (reference.identifier,), suppression_id)
    return CommandResult(effect=Effect.SUPPRESSED)


def unsuppress(working_set: WorkingSet, reference: Reference) -> CommandResult:
    """End every suppression of a value, also for the other values of each suppression; restore no person."""
    suppression_ids = working_set.suppressed.get(reference.identifier)
    if suppression_ids is None:
        if working_set.find(reference) is None and (refusal := refused_reference(reference)):
            return refusal
        return CommandResult(effect=Effect.UNCHANGED, reason=NOT_SUPPRESSED)
    for suppression_id in sorted(suppression_ids):
        working_set.unsuppress(suppression_id)
    return CommandResult(effect=Effect.UNSUPPRESSED)


def _suppress_all(working_set: WorkingSet, values: tuple[IdentifierKey, ...], suppression_id: str) -> None:
    for kind, key in values:
        working_set.suppress(Suppression(kind=kind, key=key, suppression_id=suppression_id))
