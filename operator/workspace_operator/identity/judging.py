"""Judging the identifiers of an identify call on its subject: the second table of identity-rules §4.

The rules stand in the table's order, and the first that holds decides. Nothing here touches the population.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, Literal, TypeAlias

from workspace_operator.identity import reasons
from workspace_operator.identity.calls import ABSENT, DELETE, IdentifyCall
from workspace_operator.identity.cases import Case, Subject
from workspace_operator.identity.merging import merge_partners
from workspace_operator.identity.objections import OBJECTIONS
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import bare_cio_id
from workspace_operator.identity.reserved_ids import is_placeholder, objection_to_giving
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, ID_ONLY, IdentityRules, Kind
from workspace_operator.identity.survivors import survivor


class Verb(Enum):
    """What happens to an identifier that is neither refused nor a reason to merge."""

    WRITE = "write"


WRITE: Final = Verb.WRITE

Decided: TypeAlias = Literal[Verb.WRITE] | tuple[Person, Person] | str
"""Write it; merge these two, the primary first; refuse it for this reason."""

Ruling: TypeAlias = Decided | None
"""None if the rule does not hold."""

JudgingRule: TypeAlias = Callable[[Case], Ruling]

Wish: TypeAlias = tuple[Kind, str | None, str | None]
"""Kind, value (None: delete it) and key."""


def judge(rules: IdentityRules, population: Population, call: IdentifyCall, subject: Subject, *, now: int) -> None:
    """Judge everything that a call says of identifiers, and leave the result on the subject."""
    for kind, value, key in _wishes(rules, call, subject):
        identifier = (kind, key or "")
        owner = population.owners.get(identifier)
        case = Case(
            rules=rules,
            call=call,
            subject=subject,
            kind=kind,
            value=value,
            key=key,
            blocked=identifier in population.blocked,
            owner=None if owner is None else population.people[owner],
        )
        _carry_out(_ruling(case), case, now)
    _judge_cio_id(call, subject)


def _ruling(case: Case) -> Decided:
    for rule in JUDGING_RULES:
        ruling = rule(case)
        if ruling is not None:
            return ruling
    # Row 5, and what is left of row 4.
    return reasons.OTHERS


def _carry_out(ruling: Decided, case: Case, now: int) -> None:
    subject = case.subject
    if isinstance(ruling, str):
        subject.refuse(case.kind, case.value, ruling)
        return
    if isinstance(ruling, tuple):
        primary, secondary = ruling
        merged = survivor(primary, secondary, mode=case.rules.mode, now=now)
        subject.become(merged, primary=primary, secondary=secondary)
    subject.write(case.kind, case.value, case.key)


def call_gives_two_values(case: Case) -> Ruling:
    """First table, row d, last sentence: a second value, or null, of the reference's kind refuses both."""
    call, reference = case.call, case.call.reference
    if not case.subject.reference_is_a_wish or case.kind is not reference.kind:
        return None
    by_id = reference.kind is ID
    wish, key = (call.id, call.id) if by_id else (call.email, call.email_key)
    return None if wish is ABSENT or key == reference.key else reasons.TWO_VALUES


def equals_what_the_subject_has(case: Case) -> Ruling:
    """Row 1: nothing changes but the display form of an email."""
    subject = case.subject
    if case.value is None:
        return None if subject.has(case.kind) else WRITE
    own = subject.id if case.kind is ID else subject.email_key
    return WRITE if case.key is not None and case.key == own else None


def is_suppressed_or_an_invalid_email(case: Case) -> Ruling:
    """Row 2."""
    if case.blocked:
        return reasons.SUPPRESSED
    if case.key is None and case.value is not None:
        return reasons.PLACEHOLDER if is_placeholder(case.value) else reasons.INVALID_EMAIL
    return None


def cannot_be_given(case: Case) -> Ruling:
    """A placeholder identifies no person; a reserved id may name its holder, for a merge (identity-rules §1, id)."""
    if case.kind is not ID or case.value is None:
        return None
    reason = objection_to_giving(ID, case.value)
    if reason == reasons.RESERVED_ID and case.owner is not None:
        return None
    return reason or None


def belongs_to_nobody_else(case: Case) -> Ruling:
    """Row 3: set, changed or deleted, if nothing in identity-rules §3 objects."""
    if case.owner is not None:  # the subject's own value was row 1
        return None
    for objection in OBJECTIONS:
        reason = objection(case)
        if reason is not None:
            return reason
    return WRITE


def belongs_to_somebody_to_merge_with(case: Case) -> Ruling:
    """Row 4, where identity-rules §5 allows it; where it does not, row 5 has the same reason."""
    return merge_partners(case)


JUDGING_RULES: tuple[JudgingRule, ...] = (
    call_gives_two_values,
    equals_what_the_subject_has,
    is_suppressed_or_an_invalid_email,
    cannot_be_given,
    belongs_to_nobody_else,
    belongs_to_somebody_to_merge_with,
)


def _wishes(rules: IdentityRules, call: IdentifyCall, subject: Subject) -> Iterator[Wish]:
    """In the order of judging: the reference's own, email, id, deletions after both.

    Each is judged on what the one before left: an id that equals a refused email is refused, too.
    """
    if subject.reference_is_a_wish:
        yield (call.reference.kind, call.reference.value, call.reference.key)
    email = call.email if rules.mode is not ID_ONLY else ABSENT
    if isinstance(email, str):
        yield (EMAIL, email, call.email_key)
    if isinstance(call.id, str):
        yield (ID, call.id, call.id)
    if email is DELETE:
        yield (EMAIL, None, None)
    if call.id is DELETE:
        yield (ID, None, None)


def _judge_cio_id(call: IdentifyCall, subject: Subject) -> None:
    """Row 6: never changes anything; what is not the subject's is recorded as refused."""
    if call.cio_id is ABSENT:
        return
    value = call.cio_id if isinstance(call.cio_id, str) else None
    if value is None or bare_cio_id(value) != subject.cio_id:
        subject.refuse(CIO_ID, value, reasons.CIO_ID_IS_FIXED)
