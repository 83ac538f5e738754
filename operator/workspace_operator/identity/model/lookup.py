"""Lookup of people for commands that create none: delete, suppress, merge, delete device, segments."""

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.reserved_ids import reason_not_assignable
from workspace_operator.identity.values.rules import CIO_ID


def find_or_ignore(
    working_set: WorkingSet, reference: Reference, *, field: str = "identifiers"
) -> Person | CommandResult:
    """Find a person, or return the result of a suppressed or unknown reference (identity-rules §4).

    ``field`` is the path of the reference in the request.
    """
    if reference.identifier in working_set.suppressed:
        return CommandResult(effect=Effect.IGNORED, reason=refusal_reasons.SUPPRESSED)
    person = working_set.find(reference)
    if person is not None:
        return person
    unknown = refusal_reasons.UNKNOWN_CIO_ID if reference.kind is CIO_ID else refusal_reasons.UNKNOWN_IDENTIFIER
    return refused_reference(reference, field=field) or CommandResult(effect=Effect.IGNORED, reason=unknown)


def refused_reference(reference: Reference, *, field: str = "identifiers") -> CommandResult | None:
    """The rejection of a value that is never given and that no person has; None for any other value."""
    reason = reason_not_assignable(reference.kind, reference.key)
    if reason is None:
        return None
    path = f"{field}.{reference.kind}"
    return CommandResult(effect=Effect.REJECTED, reason=reason, field=path, value=reference.value)
