"""Finding the subject of an identify call: the first table of identity-rules §4.

The rules stand in the table's order, and the first that holds decides: it gives the subject, or the outcome
that ends the call.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from workspace_operator.identity.identify.draft import PersonDraft
from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.model.lookup import refused_reference
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import REFERENCE_KINDS, IdentifierKey, bare_cio_id
from workspace_operator.identity.values.reserved_ids import is_placeholder
from workspace_operator.identity.values.rules import (
    CIO_ID,
    EMAIL,
    EMAIL_ONLY,
    EMAIL_OR_ID,
    ID,
    ID_ONLY,
    IdentifierKind,
    IdentityRules,
)


@dataclass(slots=True, kw_only=True)
class MatchContext:
    """What the rules look at. ``match`` is whom the reference matches."""

    rules: IdentityRules
    working_set: WorkingSet
    command: Identify
    new_cio_id: Callable[[], str]
    matched: Person | None


MatchResult: TypeAlias = PersonDraft | CommandResult | None
MatchRule: TypeAlias = Callable[[MatchContext], MatchResult]


def match_person(
    rules: IdentityRules, working_set: WorkingSet, command: Identify, *, new_cio_id: Callable[[], str]
) -> PersonDraft | CommandResult:
    """Whom a call concerns, or the outcome of one that concerns nobody."""
    context = MatchContext(
        rules=rules,
        working_set=working_set,
        command=command,
        new_cio_id=new_cio_id,
        matched=working_set.find(command.reference),
    )
    for rule in MATCH_RULES:
        match_result = rule(context)
        if match_result is not None:
            return match_result
    return draft_of_new_person(context)


def reference_kind_is_not_in_mode(context: MatchContext) -> MatchResult:
    """Row a, for callers that did not learn of a change of the mode; parsing answers all others."""
    if context.command.reference.kind in REFERENCE_KINDS[context.rules.mode]:
        return None
    return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.KIND_NOT_IN_MODE)


def email_is_not_text(context: MatchContext) -> MatchResult:
    """Refuse other JSON types where email is an identifier: they are an error of the caller (identity-rules §1)."""
    non_text = context.command.non_text_email
    if non_text is None or context.rules.mode is ID_ONLY:
        return None
    return CommandResult(
        effect=Effect.REJECTED, reason=refusal_reasons.NOT_TEXT, field="attributes.email", value=non_text
    )


def reference_is_suppressed(context: MatchContext) -> MatchResult:
    """Row b, first half."""
    reference = context.command.reference
    if (reference.kind, reference.key) in context.working_set.suppressed:
        return CommandResult(effect=Effect.IGNORED, reason=refusal_reasons.SUPPRESSED)
    return None


def reference_is_not_assignable(context: MatchContext) -> MatchResult:
    """Refuse a reserved id or a placeholder that no person has (identity-rules §1, id); row c finds its holder."""
    return None if context.matched is not None else refused_reference(context.command.reference)


def reference_is_unknown_cio_id(context: MatchContext) -> MatchResult:
    """Row b, second half."""
    if context.command.reference.kind is CIO_ID and context.matched is None:
        return CommandResult(effect=Effect.IGNORED, reason=refusal_reasons.UNKNOWN_CIO_ID)
    return None


def import_row_matches_two_people(context: MatchContext) -> MatchResult:
    """Reject the whole row: an import never merges (identity-rules §3, last row)."""
    if not context.command.by_import or len({*_referenced_people(context)}) <= 1:
        return None
    return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.ROW_MATCHES_TWO_PEOPLE)


def import_row_reassigns_email(context: MatchContext) -> MatchResult:
    """Reject a row with a new id and the address of a person with another id (identity-rules §3, last row).

    Nobody knows whose the row's data are. A row by cio_id names its person for sure. In EmailOnly ids are generated,
    and those of files are none.
    """
    command = context.command
    if not command.by_import or context.rules.mode is not EMAIL_OR_ID or command.reference.kind is CIO_ID:
        return None
    by_id = command.reference.kind is ID
    id_, key = (command.reference.key, command.email_key) if by_id else (command.id, command.reference.key)
    owner = None if key is None else context.working_set.owners.get((EMAIL, key))
    if owner is None or not isinstance(id_, str) or (ID, id_) in context.working_set.owners:
        return None
    holder = context.working_set.people[owner]
    if holder.id is None:
        return None
    return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.email_of_another_person(holder.id))


def reference_matches(context: MatchContext) -> MatchResult:
    """Row c."""
    if context.matched is None:
        return None
    return _draft_of_stored(context.matched, identified_by=context.command.reference.kind)


def other_body_identifier_matches(context: MatchContext) -> MatchResult:
    """Row d: the reference becomes a wish of a caller who named the person by the body identifier."""
    identifier = _other_identifier(context.command)
    owner = None if identifier is None else context.working_set.owners.get(identifier)
    if identifier is None or owner is None:
        return None
    person = context.working_set.people[owner]
    return _draft_of_stored(person, identified_by=identifier[0], reference_is_update=True)


def is_update_only(context: MatchContext) -> MatchResult:
    """Row e."""
    if not context.command.update_only:
        return None
    return CommandResult(effect=Effect.SKIPPED, reason=refusal_reasons.UPDATE_ONLY)


MATCH_RULES: tuple[MatchRule, ...] = (
    reference_kind_is_not_in_mode,
    email_is_not_text,
    reference_is_suppressed,
    reference_is_not_assignable,
    reference_is_unknown_cio_id,
    import_row_matches_two_people,
    import_row_reassigns_email,
    reference_matches,
    other_body_identifier_matches,
    is_update_only,
)


def draft_of_new_person(context: MatchContext) -> PersonDraft | CommandResult:
    """Row f: a new person; in EmailOnly only by email, and the generated id is the cio_id's value."""
    reference = context.command.reference
    by_email = reference.kind is EMAIL
    generates = context.rules.mode is EMAIL_ONLY
    if generates and not by_email:
        return CommandResult(effect=Effect.IGNORED, reason=refusal_reasons.UNKNOWN_GENERATED_ID)
    cio_id = context.new_cio_id()
    id_ = None if by_email else reference.key
    return PersonDraft(
        identified_by=reference.kind,
        before=None,
        cio_id=cio_id,
        id=cio_id if generates else id_,
        email=reference.value if by_email else None,
        email_key=reference.key if by_email else None,
    )


def _draft_of_stored(
    person: Person, *, identified_by: IdentifierKind, reference_is_update: bool = False
) -> PersonDraft:
    return PersonDraft(
        identified_by=identified_by,
        before=person,
        cio_id=person.cio_id,
        id=person.id,
        email=person.email,
        email_key=person.email_key,
        reference_is_update=reference_is_update,
    )


def _other_identifier(command: Identify) -> IdentifierKey | None:
    """The body identifier of the other kind: id for email, email for id."""
    if command.reference.kind is ID:
        return None if command.email_key is None else (EMAIL, command.email_key)
    # A placeholder is everybody's and nobody's: it must not tell whom a call is about.
    return (ID, command.id) if isinstance(command.id, str) and not is_placeholder(command.id) else None


def _referenced_people(context: MatchContext) -> Iterator[str]:
    """The cio_ids of everybody whom the reference or the body names, some more than once."""
    command, working_set = context.command, context.working_set
    if context.matched is not None:
        yield context.matched.cio_id
    if isinstance(command.id, str) and (owner := working_set.owners.get((ID, command.id))):
        yield owner
    if command.email_key is not None and (owner := working_set.owners.get((EMAIL, command.email_key))):
        yield owner
    if isinstance(command.cio_id, str) and (bare := bare_cio_id(command.cio_id)) in working_set.people:
        yield bare
