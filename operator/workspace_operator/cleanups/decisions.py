"""Decisions about people: what they do, for which violations, and what they require (cleanups §2, §3)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from workspace_operator.identity.model.person import Person, id_is_another_email
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.migrations.model import Violation


class DecisionKind(StrEnum):
    """What is to happen to a person; values as in the API and in files."""

    KEEP = "keep"
    MERGE = "merge"
    CORRECT = "correct"
    CLEAR = "clear"
    DELETE = "delete"


_ALL: Final = frozenset(Violation)

VIOLATIONS: Final[Mapping[DecisionKind, frozenset[Violation]]] = {
    DecisionKind.KEEP: frozenset({Violation.DUPLICATE_EMAIL}),
    DecisionKind.MERGE: _ALL,
    DecisionKind.CORRECT: _ALL,
    DecisionKind.CLEAR: _ALL - {Violation.ID_IS_ANOTHER_EMAIL},
    DecisionKind.DELETE: _ALL,
}
"""The violations for which a decision can be made (cleanups §2)."""

_LEAVING: Final = frozenset({DecisionKind.MERGE, DecisionKind.DELETE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision about one person.

    Attributes:
        email: the new address of a correction, as sent; else None.
        survivor: the cio_id of the person to merge into; else None.
    """

    kind: DecisionKind
    email: str | None = None
    survivor: str | None = None

    @property
    def removes_person(self) -> bool:
        """Whether the person is no longer there afterwards."""
        return self.kind in _LEAVING


DOES_NOT_BLOCK: Final = "This person does not block the change."
"""Why every decision about a person without a violation is refused."""
HAS_CHANGED: Final = "The address of this person has changed since the decision: decide again."
SURVIVOR_HAS_CHANGED: Final = "The address of the person to merge into has changed since the decision: decide again."

KEEP: Final = Decision(kind=DecisionKind.KEEP)
CLEAR: Final = Decision(kind=DecisionKind.CLEAR)
DELETE: Final = Decision(kind=DecisionKind.DELETE)


def merge_into(survivor: str) -> Decision:
    """The decision to merge a person into the one with this cio_id."""
    return Decision(kind=DecisionKind.MERGE, survivor=survivor)


def correct_to(email: str) -> Decision:
    """The decision to set an address."""
    return Decision(kind=DecisionKind.CORRECT, email=email)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionContext:
    """A decision with all that it depends on.

    Attributes:
        person: the person as it is.
        violations: why it blocks the migration.
        survivor: for a merge, the person to merge into as it is; None if there is no such person.
        survivor_decision: the decision about the survivor, if there is one.
        secondaries: the people that decisions merge into this person.
    """

    person: Person
    violations: Collection[Violation]
    decision: Decision
    survivor: Person | None = None
    survivor_decision: Decision | None = None
    secondaries: Sequence[Person] = ()


def reason_refused(context: DecisionContext) -> str | None:
    """Why a decision is refused, as a sentence: the first row of cleanups §3 that holds; None if it is accepted."""
    return next((reason for row in REQUIREMENTS if (reason := row(context)) is not None), None)


def is_not_for_the_violations(context: DecisionContext) -> str | None:
    """Row a: the decision could not settle any violation of the person."""
    kind = context.decision.kind
    if not VIOLATIONS[kind].isdisjoint(context.violations):
        return None
    if kind is DecisionKind.KEEP:
        return "Only a person who shares an address can keep it."
    if kind is DecisionKind.CLEAR and context.violations:
        return "Without an address the id would still be another one: correct the address instead."
    return DOES_NOT_BLOCK


def new_address_is_invalid(context: DecisionContext) -> str | None:
    """Row b: the new address has no e-mail key."""
    email = context.decision.email
    if context.decision.kind is not DecisionKind.CORRECT or (email is not None and email_key(email) is not None):
        return None
    return f"{quoted(email)} is not a valid address."


def new_address_is_the_present_one(context: DecisionContext) -> str | None:
    """Row c: the correction would change the display form at most."""
    email = context.decision.email
    if email is None or email_key(email) != context.person.email_key:
        return None
    return f"{quoted(email)} is the present address of this person: give another one."


def survivor_is_the_person(context: DecisionContext) -> str | None:
    """Row d: a person cannot be merged into itself."""
    return "A person cannot be merged into itself." if context.decision.survivor == context.person.cio_id else None


def survivor_is_missing(context: DecisionContext) -> str | None:
    """Row e: the person to merge into does not exist."""
    if context.decision.kind is not DecisionKind.MERGE or context.survivor is not None:
        return None
    return "The person to merge into does not exist."


def survivor_is_removed(context: DecisionContext) -> str | None:
    """Row f: the person to merge into will not be there either."""
    decision = context.survivor_decision
    if context.survivor is None or decision is None or not decision.removes_person:
        return None
    done = "merged into another person" if decision.kind is DecisionKind.MERGE else "deleted"
    return f"The person to merge into is to be {done}: choose one that stays."


def survivor_has_no_address(context: DecisionContext) -> str | None:
    """Row g: the survivor would take the address of the person."""
    if context.survivor is None or not takes_address(context.survivor):
        return None
    return "The person to merge into has no valid address and would take this one: correct its address first."


def survivor_would_take_another_id(context: DecisionContext) -> str | None:
    """Row h: the survivor would take an id that is an address other than its own, now or after its own decision."""
    if context.survivor is None:
        return None
    survivors = (context.survivor, planned_person(context.survivor, context.survivor_decision))
    if not any(survivor is not None and takes_another_id(survivor, context.person) for survivor in survivors):
        return None
    return "The person to merge into has no id and would take this one, which is an address other than its own."


def others_need_the_person(context: DecisionContext) -> str | None:
    """Row i: other people are to be merged into the person, who would be removed."""
    if not (context.secondaries and context.decision.removes_person):
        return None
    return "Others are to be merged into this person: decide about them first."


def person_would_take_another_id(context: DecisionContext) -> str | None:
    """Row j: a merge into the person would meet row h because of this decision."""
    planned = planned_person(context.person, context.decision)
    if planned is None or not any(takes_another_id(planned, secondary) for secondary in context.secondaries):
        return None
    return "Others are to be merged into this person, who has no id and would take one that is another address."


def takes_address(survivor: Person) -> bool:
    """Whether a merge would give the survivor an address."""
    return survivor.email_key is None


def takes_another_id(survivor: Person, secondary: Person) -> bool:
    """Whether a merge would give the survivor an id that is an address other than its own."""
    return survivor.id is None and id_is_another_email(secondary.id, survivor.email_key)


REQUIREMENTS: Final[tuple[Callable[[DecisionContext], str | None], ...]] = (
    is_not_for_the_violations,
    new_address_is_invalid,
    new_address_is_the_present_one,
    survivor_is_the_person,
    survivor_is_missing,
    survivor_is_removed,
    survivor_has_no_address,
    survivor_would_take_another_id,
    others_need_the_person,
    person_would_take_another_id,
)
"""The rows of cleanups §3, in order."""


def planned_person(person: Person, decision: Decision | None) -> Person | None:
    """The person as an accepted decision leaves it; None if it is merged or deleted."""
    if decision is None or decision.kind is DecisionKind.KEEP:
        return person
    if decision.removes_person:
        return None
    key = None if decision.email is None else email_key(decision.email)
    return replace(person, email=decision.email, email_key=key)
