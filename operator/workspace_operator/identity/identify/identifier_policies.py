"""Judging the identifiers of an identify call on its subject: the second table of identity-rules §4.

The rules stand in the table's order, and the first that holds decides. Nothing here touches the population.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, Literal, TypeAlias

from workspace_operator.identity.identify.constraints import CONSTRAINTS
from workspace_operator.identity.identify.draft import IdentifierUpdate, PersonDraft
from workspace_operator.identity.merges.survivorship import order_by_age, survivor
from workspace_operator.identity.model.commands import ABSENT, DELETE, Identify
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values import refusal_reasons
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


class WriteDecision(Enum):
    """What happens to an identifier that is neither refused nor a reason to merge."""

    WRITE = "write"


WRITE: Final = WriteDecision.WRITE

IdentifierDecision: TypeAlias = Literal[WriteDecision.WRITE] | tuple[Person, Person] | str
"""Write it; merge these two, the primary first; refuse it for this reason."""

RuleResult: TypeAlias = IdentifierDecision | None
"""None if the rule does not hold."""

IdentifierRule: TypeAlias = Callable[[IdentifierUpdate], RuleResult]

RequestedIdentifier: TypeAlias = tuple[IdentifierKind, str | None, str | None]
"""Kind, value (None: delete it) and key."""


def evaluate_identifiers(
    rules: IdentityRules, working_set: WorkingSet, command: Identify, draft: PersonDraft, *, now: int
) -> None:
    """Judge everything that a call says of identifiers, and leave the result on the subject."""
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


def _decide(update: IdentifierUpdate) -> IdentifierDecision:
    for rule in IDENTIFIER_RULES:
        decision = rule(update)
        if decision is not None:
            return decision
    # Row 5, and what is left of row 4.
    return refusal_reasons.OWNED_BY_ANOTHER_PERSON


def _apply(decision: IdentifierDecision, update: IdentifierUpdate, now: int) -> None:
    draft = update.draft
    if isinstance(decision, str):
        draft.refuse(update.kind, update.value, decision)
        return
    if isinstance(decision, tuple):
        primary, secondary = decision
        merged = survivor(primary, secondary, mode=update.rules.mode, now=now)
        draft.replace_with_survivor(merged, primary=primary, secondary=secondary)
    draft.write(update.kind, update.value, update.key)


def command_has_conflicting_values(update: IdentifierUpdate) -> RuleResult:
    """First table, row d, last sentence: a second value, or null, of the reference's kind refuses both."""
    command, reference = update.command, update.command.reference
    if not update.draft.reference_is_update or update.kind is not reference.kind:
        return None
    by_id = reference.kind is ID
    requested, key = (command.id, command.id) if by_id else (command.email, command.email_key)
    return None if requested is ABSENT or key == reference.key else refusal_reasons.CONFLICTING_VALUES


def equals_current_value(update: IdentifierUpdate) -> RuleResult:
    """Row 1: nothing changes but the display form of an email."""
    draft = update.draft
    if update.value is None:
        return None if draft.has(update.kind) else WRITE
    own = draft.id if update.kind is ID else draft.email_key
    return WRITE if update.key is not None and update.key == own else None


def is_suppressed_or_invalid_email(update: IdentifierUpdate) -> RuleResult:
    """Row 2."""
    if update.suppressed:
        return refusal_reasons.SUPPRESSED
    if update.key is None and update.value is not None:
        return refusal_reasons.PLACEHOLDER if is_placeholder(update.value) else refusal_reasons.INVALID_EMAIL
    return None


def is_not_assignable(update: IdentifierUpdate) -> RuleResult:
    """A placeholder identifies no person; a reserved id may name its holder, for a merge (identity-rules §1, id)."""
    if update.kind is not ID or update.value is None:
        return None
    reason = reason_not_assignable(ID, update.value)
    if reason == refusal_reasons.RESERVED_ID and update.owner is not None:
        return None
    return reason or None


def is_not_owned_by_another(update: IdentifierUpdate) -> RuleResult:
    """Row 3: set, changed or deleted, if nothing in identity-rules §3 objects."""
    if update.owner is not None:  # the subject's own value was row 1
        return None
    for constraint in CONSTRAINTS:
        reason = constraint(update)
        if reason is not None:
            return reason
    return WRITE


def owner_can_be_merged(update: IdentifierUpdate) -> RuleResult:
    """Row 4, where identity-rules §5 allows it; where it does not, row 5 has the same reason."""
    return merge_partners(update)


IDENTIFIER_RULES: tuple[IdentifierRule, ...] = (
    command_has_conflicting_values,
    equals_current_value,
    is_suppressed_or_invalid_email,
    is_not_assignable,
    is_not_owned_by_another,
    owner_can_be_merged,
)


def _requested_identifiers(
    rules: IdentityRules, command: Identify, draft: PersonDraft
) -> Iterator[RequestedIdentifier]:
    """In the order of judging: the reference's own, email, id, deletions after both.

    Each is judged on what the one before left: an id that equals a refused email is refused, too.
    """
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


def _evaluate_cio_id(command: Identify, draft: PersonDraft) -> None:
    """Row 6: never changes anything; what is not the subject's is recorded as refused."""
    if command.cio_id is ABSENT:
        return
    value = command.cio_id if isinstance(command.cio_id, str) else None
    if value is None or bare_cio_id(value) != draft.cio_id:
        draft.refuse(CIO_ID, value, refusal_reasons.CIO_ID_IS_IMMUTABLE)


def merge_partners(update: IdentifierUpdate) -> tuple[Person, Person] | None:
    """Primary and secondary, by their ages before the call, if all conditions of identity-rules §5 hold.

    They are the subject and the owner of the wished value. Imports were turned away before (identity-rules §3, last
    row).
    """
    reference, draft, other = update.command.reference, update.draft.before, update.owner
    if not update.rules.merge_multi_identifier or update.rules.mode is not EMAIL_OR_ID:
        return None
    if reference.kind is CIO_ID or update.kind is reference.kind or draft is None or other is None:
        return None
    by_id, by_email = (draft, other) if reference.kind is ID else (other, draft)
    if by_id.email is not None or by_email.id is not None:
        return None
    return order_by_age(draft, other)
