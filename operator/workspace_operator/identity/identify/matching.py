"""Matching rules: the first table of identity-rules §4 finds the person that an identify command concerns.

The first row that holds decides: it returns a draft of the person, or the result that ends the command.

a. The kind of the reference is no identifier in this mode, or its value is no identifier: reject.
b. The reference is suppressed, or is a cio_id that no person has: ignore.
c. The reference matches a person: that person.
d. The reference matches no person, but a body identifier of the other kind matches one: that person.
e. The reference matches no person, and the command is update-only: skip.
f. The reference matches no person: create one.

`MATCH_RULES` lists the rules in this order. Between rows b and c, rows of an import can be rejected.
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
    """The input of the matching rules. ``matched`` is the person that the reference matches."""

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
    """Find or draft the person that a command concerns, or return the result that ends the command."""
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
    """Row a, for commands that were parsed before the mode changed; the parser rejects all others."""
    if context.command.reference.kind in REFERENCE_KINDS[context.rules.mode]:
        return None
    return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.KIND_NOT_IN_MODE)


def email_is_not_text(context: MatchContext) -> MatchResult:
    """Row a: where email is an identifier, reject an email that is neither text nor a number (identity-rules §1)."""
    value = context.command.non_text_email
    if value is None or context.rules.mode is ID_ONLY:
        return None
    return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.NOT_TEXT, field="attributes.email", value=value)


def reference_is_suppressed(context: MatchContext) -> MatchResult:
    """Row b, first half: the reference is suppressed."""
    if context.command.reference.identifier in context.working_set.suppressed:
        return CommandResult(effect=Effect.IGNORED, reason=refusal_reasons.SUPPRESSED)
    return None


def reference_is_not_assignable(context: MatchContext) -> MatchResult:
    """Reject a reserved id or a placeholder that no person has (identity-rules §1, id); row c matches its owner."""
    return None if context.matched is not None else refused_reference(context.command.reference)


def reference_is_unknown_cio_id(context: MatchContext) -> MatchResult:
    """Row b, second half: no person has the cio_id."""
    if context.command.reference.kind is CIO_ID and context.matched is None:
        return CommandResult(effect=Effect.IGNORED, reason=refusal_reasons.UNKNOWN_CIO_ID)
    return None


def import_row_matches_two_people(context: MatchContext) -> MatchResult:
    """Reject the whole row: an import never merges (identity-rules §3, CSV import)."""
    if not context.command.by_import or len({*_referenced_people(context)}) <= 1:
        return None
    return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.ROW_MATCHES_TWO_PEOPLE)


def import_row_reassigns_email(context: MatchContext) -> MatchResult:
    """Reject a row with a new id and the email of a person with another id (identity-rules §3, CSV import).

    The row's data may belong to either person. A row that names its person by cio_id is unambiguous. In EmailOnly
    ids are generated, and an id in a file is no identifier.
    """
    command = context.command
    if not command.by_import or context.rules.mode is not EMAIL_OR_ID or command.reference.kind is CIO_ID:
        return None
    by_id = command.reference.kind is ID
    id_, key = (command.reference.key, command.email_key) if by_id else (command.id, command.reference.key)
    owner = None if key is None else context.working_set.owners.get((EMAIL, key))
    if owner is None or not isinstance(id_, str) or (ID, id_) in context.working_set.owners:
        return None
    person = context.working_set.people[owner]
    if person.id is None:
        return None
    return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.email_of_another_person(person.id))


def reference_matches(context: MatchContext) -> MatchResult:
    """Row c: the reference matches."""
    if context.matched is None:
        return None
    return _stored_draft(context.matched, identified_by=context.command.reference.kind)


def other_body_identifier_matches(context: MatchContext) -> MatchResult:
    """Row d: the body identifier names the person, and the reference becomes an update."""
    identifier = _other_identifier(context.command)
    owner = None if identifier is None else context.working_set.owners.get(identifier)
    if identifier is None or owner is None:
        return None
    return _stored_draft(context.working_set.people[owner], identified_by=identifier[0], reference_is_update=True)


def is_update_only(context: MatchContext) -> MatchResult:
    """Row e: the command creates no person."""
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
    """Row f: draft a new person; in EmailOnly only by email, with the cio_id as generated id."""
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


def _stored_draft(person: Person, *, identified_by: IdentifierKind, reference_is_update: bool = False) -> PersonDraft:
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
    # A placeholder is sent for many people, so it must not select one.
    return (ID, command.id) if isinstance(command.id, str) and not is_placeholder(command.id) else None


def _referenced_people(context: MatchContext) -> Iterator[str]:
    """Yield the cio_ids of all people that the reference or the body names, perhaps with duplicates."""
    command, working_set = context.command, context.working_set
    if context.matched is not None:
        yield context.matched.cio_id
    if isinstance(command.id, str) and (owner := working_set.owners.get((ID, command.id))):
        yield owner
    if command.email_key is not None and (owner := working_set.owners.get((EMAIL, command.email_key))):
        yield owner
    if isinstance(command.cio_id, str) and (bare := bare_cio_id(command.cio_id)) in working_set.people:
        yield bare
