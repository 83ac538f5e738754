"""Identifier policies: the second table of identity-rules §4 decides about each identifier of a command.

The first row that holds decides. Each identifier is decided on what the one before it left.

1. The value equals the current one (email: same key; null: there is none): write; only an email's display form changes.
2. The value is suppressed, or an email that is not valid: refuse. So is an id that is never given (identity-rules §1).
3. The value belongs to no other person: write if every constraint of identity-rules §3 holds, else refuse.
4. The value belongs to another person, its kind is not the reference's, and the reference is an id or an email:
   merge if identity-rules §5 allows it, else refuse.
5. The value belongs to another person in any other case: refuse.
6. The value is a cio_id: never changes anything; refuse it if it is not the person's own.

`IDENTIFIER_RULES` and `CONSTRAINTS` list the rules in this order. They change nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from workspace_operator.identity.identify.draft import IdentifierUpdate, PersonDraft
from workspace_operator.identity.identify.permissions import effective_permissions
from workspace_operator.identity.merges.survivorship import by_age, survivor
from workspace_operator.identity.model.commands import ABSENT, DELETE, Identify
from workspace_operator.identity.model.person import Person, id_is_another_email
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.references import bare_cio_id
from workspace_operator.identity.values.reserved_ids import is_placeholder, reason_not_assignable
from workspace_operator.identity.values.rules import (
    CIO_ID,
    EMAIL,
    EMAIL_OR_ID,
    ID,
    ID_ONLY,
    IdentifierKind,
    IdentityRules,
)


@dataclass(frozen=True, slots=True)
class Write:
    """Set, change or delete the identifier."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Merge the secondary into the primary, then write the identifier."""

    primary: Person
    secondary: Person


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keep the current identifier, and record the refusal with one of `refusal_reasons`."""

    reason: str


IdentifierDecision: TypeAlias = Write | Merge | Refuse

IdentifierRule: TypeAlias = Callable[[IdentifierUpdate], IdentifierDecision | None]
"""One row of the table: its decision, or None if the row does not hold."""

Constraint: TypeAlias = Callable[[IdentifierUpdate], Refuse | None]
"""A condition for writing an identifier that no other person owns: the refusal, or None if the condition holds."""

# The frequent decisions are made once: most commands have a decision about every identifier.
WRITE: Final = Write()
_INVALID_EMAIL: Final = Refuse(refusal_reasons.INVALID_EMAIL)
_OWNED_BY_ANOTHER_PERSON: Final = Refuse(refusal_reasons.OWNED_BY_ANOTHER_PERSON)
_SUPPRESSED: Final = Refuse(refusal_reasons.SUPPRESSED)


def evaluate_identifiers(
    rules: IdentityRules, working_set: WorkingSet, command: Identify, draft: PersonDraft, *, now: int
) -> None:
    """Decide about every identifier of a command, and apply each decision to the draft."""
    for kind, value, key in _requested_identifiers(rules, command, draft):
        identifier = (kind, key or "")
        owner = working_set.owners.get(identifier)
        update = IdentifierUpdate(
            rules=rules,
            command=command,
            draft=draft,
            kind=kind,
            value=value,
            key=key,
            suppressed=identifier in working_set.suppressed,
            owner=None if owner is None else working_set.people[owner],
        )
        _apply(_decide(update), update, now)
    _evaluate_cio_id(command, draft)


def _requested_identifiers(
    rules: IdentityRules, command: Identify, draft: PersonDraft
) -> Iterator[tuple[IdentifierKind, str | None, str | None]]:
    """Yield kind, value (None: delete it) and key of each requested identifier, in the order of decision."""
    if draft.reference_is_update:
        yield (command.reference.kind, command.reference.value, command.reference.key)
    email = command.email if rules.mode is not ID_ONLY else ABSENT
    if isinstance(email, str):
        yield (EMAIL, email, command.email_key)
    if isinstance(command.id, str):
        yield (ID, command.id, command.id)
    if email is DELETE:
        yield (EMAIL, None, None)
    if command.id is DELETE:
        yield (ID, None, None)


def _decide(update: IdentifierUpdate) -> IdentifierDecision:
    for rule in IDENTIFIER_RULES:
        decision = rule(update)
        if decision is not None:
            return decision
    return _OWNED_BY_ANOTHER_PERSON  # row 5, and row 4 where no merge is allowed


def _apply(decision: IdentifierDecision, update: IdentifierUpdate, now: int) -> None:
    draft = update.draft
    if isinstance(decision, Refuse):
        draft.refuse(update.kind, update.value, decision.reason)
        return
    if isinstance(decision, Merge):
        merged = survivor(decision.primary, decision.secondary, mode=update.rules.mode, now=now)
        draft.replace_with_survivor(merged, primary=decision.primary, secondary=decision.secondary)
    draft.write(update.kind, update.value, update.key)


def command_has_conflicting_values(update: IdentifierUpdate) -> Refuse | None:
    """Before row 1: a second value, or null, of the reference's kind refuses both (first table, row d)."""
    command, reference = update.command, update.command.reference
    if not update.draft.reference_is_update or update.kind is not reference.kind:
        return None
    requested, key = (command.id, command.id) if reference.kind is ID else (command.email, command.email_key)
    return None if requested is ABSENT or key == reference.key else Refuse(refusal_reasons.CONFLICTING_VALUES)


def equals_current_value(update: IdentifierUpdate) -> Write | None:
    """Row 1: nothing changes but the display form of an email."""
    draft = update.draft
    if update.value is None:
        return None if draft.has(update.kind) else WRITE
    current = draft.id if update.kind is ID else draft.email_key
    return WRITE if update.key is not None and update.key == current else None


def is_suppressed_or_invalid(update: IdentifierUpdate) -> Refuse | None:
    """Row 2: the value is suppressed, or is an email that is not valid."""
    if update.suppressed:
        return _SUPPRESSED
    if update.key is None and update.value is not None:
        return Refuse(refusal_reasons.PLACEHOLDER) if is_placeholder(update.value) else _INVALID_EMAIL
    return None


def is_not_assignable(update: IdentifierUpdate) -> Refuse | None:
    """After row 2: a placeholder, or a reserved id without an owner (identity-rules §1, id).

    A reserved id that has an owner names that person, for a merge.
    """
    if update.kind is not ID or update.value is None:
        return None
    reason = reason_not_assignable(ID, update.value)
    if reason is None or (reason == refusal_reasons.RESERVED_ID and update.owner is not None):
        return None
    return Refuse(reason)


def is_not_owned_by_another(update: IdentifierUpdate) -> Write | Refuse | None:
    """Row 3: write the value if every constraint of identity-rules §3 holds."""
    if update.owner is not None:  # another person: row 1 decided about the person's own value
        return None
    for constraint in CONSTRAINTS:
        refusal = constraint(update)
        if refusal is not None:
            return refusal
    return WRITE


def owner_can_be_merged(update: IdentifierUpdate) -> Merge | None:
    """Row 4: merge the person with the owner, if all conditions of identity-rules §5 hold.

    The ages before the command decide which person is the primary. Commands of imports never merge: the matching rules
    have rejected rows that match two people (identity-rules §3, CSV import).
    """
    reference, person, owner = update.command.reference, update.draft.before, update.owner
    if not update.rules.merge_multi_identifier or update.rules.mode is not EMAIL_OR_ID:
        return None
    if reference.kind is CIO_ID or update.kind is reference.kind or person is None or owner is None:
        return None
    by_id, by_email = (person, owner) if reference.kind is ID else (owner, person)
    if by_id.email is not None or by_email.id is not None:
        return None
    return Merge(*by_age([person, owner]))


IDENTIFIER_RULES: tuple[IdentifierRule, ...] = (
    command_has_conflicting_values,
    equals_current_value,
    is_suppressed_or_invalid,
    is_not_assignable,
    is_not_owned_by_another,
    owner_can_be_merged,
)


def operation_is_not_permitted(update: IdentifierUpdate) -> Refuse | None:
    """The permission table refuses the operation for the identifier that named the person (`permissions`)."""
    permissions, operation = effective_permissions(update.rules, update.command), update.operation
    if permissions.allows(update.kind, operation, identified_by=update.draft.identified_by):
        return None
    return Refuse(permissions.reason(update.kind, operation))


def last_identifier_would_be_deleted(update: IdentifierUpdate) -> Refuse | None:
    """A person keeps an id or an email; a command that deletes both deletes neither (identity-rules §3, Deletions)."""
    if update.value is not None:
        return None
    deletes_both = update.command.id is DELETE and update.command.email is DELETE
    other = ID if update.kind is EMAIL else EMAIL
    return Refuse(refusal_reasons.LAST_IDENTIFIER) if deletes_both or not update.draft.has(other) else None


def id_would_be_another_email(update: IdentifierUpdate) -> Refuse | None:
    """The new id is an address other than the email (identity-rules §3, last **D**, first sentence).

    The person would fail the fourth check of identity-rules §7 permanently.
    """
    if update.kind is not ID or update.rules.mode is not EMAIL_OR_ID:
        return None
    key = update.draft.email_key
    return Refuse(refusal_reasons.ID_IS_ANOTHER_EMAIL) if id_is_another_email(update.value, key) else None


def email_is_the_id(update: IdentifierUpdate) -> Refuse | None:
    """The id is the current email, which therefore keeps its key (identity-rules §3, last **D**, second sentence)."""
    id_, key = update.draft.id, update.draft.email_key
    if update.kind is not EMAIL or id_ is None or key is None:
        return None
    return Refuse(refusal_reasons.EMAIL_IS_THE_ID) if "@" in id_ and email_key(id_) == key else None


CONSTRAINTS: tuple[Constraint, ...] = (
    operation_is_not_permitted,
    last_identifier_would_be_deleted,
    id_would_be_another_email,
    email_is_the_id,
)


def _evaluate_cio_id(command: Identify, draft: PersonDraft) -> None:
    """Row 6: refuse a cio_id that is not the person's own."""
    if command.cio_id is ABSENT:
        return
    value = command.cio_id if isinstance(command.cio_id, str) else None
    if value is None or bare_cio_id(value) != draft.cio_id:
        draft.refuse(CIO_ID, value, refusal_reasons.CIO_ID_IS_IMMUTABLE)
