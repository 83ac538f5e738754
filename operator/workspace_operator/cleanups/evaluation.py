"""What decisions settle: the people that would still block the migration, group by group (cleanups §4)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from workspace_operator.cleanups.decisions import Decision, DecisionKind, planned_person
from workspace_operator.identity.model.person import Person


class OpenReason(StrEnum):
    """Why a group is open; values as in the API."""

    SEVERAL_KEEP = "severalKeep"
    GIVEN_TO_SEVERAL = "givenToSeveral"
    TAKEN = "taken"
    SHARED = "shared"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"
    ID_IS_ANOTHER_EMAIL = "idIsAnotherEmail"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCounts:
    """The planned people of a group, in numbers, so that a group of any size is evaluated alike.

    Attributes:
        people: people of the group after the decisions.
        keep: how many of them a decision tells to keep the address.
        corrected: how many of them get the address by a correction.
        blocking_alone: how many of them would block the migration in a group of their own: the id is another address,
            or, in a group without an address, the email is invalid.
        is_suppressed: whether the address is suppressed.
    """

    people: int = 0
    keep: int = 0
    corrected: int = 0
    blocking_alone: int = 0
    is_suppressed: bool = False

    def plus(self, change: "GroupCounts", sign: int = 1) -> "GroupCounts":
        """These counts with a change; a sign of -1 removes it. Whether the address is suppressed stays."""
        return replace(
            self,
            people=self.people + sign * change.people,
            keep=self.keep + sign * change.keep,
            corrected=self.corrected + sign * change.corrected,
            blocking_alone=self.blocking_alone + sign * change.blocking_alone,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The state of a group after the decisions.

    Attributes:
        blocking: number of its people that would still block the migration.
        reasons: why the group is open; empty if it is settled.
    """

    blocking: int = 0
    reasons: tuple[OpenReason, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to decide about the group."""
        return not self.reasons


Condition: TypeAlias = Callable[[GroupCounts], bool]


def several_keep(counts: GroupCounts) -> bool:
    """Several people are to keep the address."""
    return counts.keep > 1


def given_to_several(counts: GroupCounts) -> bool:
    """Several people get the address by a correction."""
    return counts.corrected > 1


def is_taken(counts: GroupCounts) -> bool:
    """A person gets the address by a correction, and another one has it."""
    return 0 < counts.corrected < counts.people


def is_shared(counts: GroupCounts) -> bool:
    """Several people have the address, for no reason that a decision gives."""
    return counts.people > 1 and not (several_keep(counts) or given_to_several(counts) or is_taken(counts))


def is_suppressed(counts: GroupCounts) -> bool:
    """A person has the address, and it is suppressed."""
    return counts.is_suppressed and counts.people > 0


def has_another_id(counts: GroupCounts) -> bool:
    """A person has an id that is another address."""
    return counts.blocking_alone > 0


CONDITIONS: Final[Mapping[OpenReason, Condition]] = {
    OpenReason.SEVERAL_KEEP: several_keep,
    OpenReason.GIVEN_TO_SEVERAL: given_to_several,
    OpenReason.TAKEN: is_taken,
    OpenReason.SHARED: is_shared,
    OpenReason.SUPPRESSED: is_suppressed,
    OpenReason.ID_IS_ANOTHER_EMAIL: has_another_id,
}
"""The rows of cleanups §4, in order."""

SOLVED_BY_MERGE: Final = frozenset({OpenReason.SEVERAL_KEEP, OpenReason.SHARED})
"""Reasons that do not hold if the migration merges the people who share an address."""


def evaluate_address(counts: GroupCounts, *, merges: bool = False) -> Evaluation:
    """Evaluate the group of an address; ``merges``: the migration merges people who share one."""
    blocks_as_a_whole = counts.is_suppressed or (counts.people > 1 and not merges)
    return Evaluation(
        blocking=counts.people if blocks_as_a_whole else counts.blocking_alone,
        reasons=tuple(
            reason
            for reason, holds in CONDITIONS.items()
            if holds(counts) and not (merges and reason in SOLVED_BY_MERGE)
        ),
    )


def evaluate_without_address(planned: Person) -> Evaluation:
    """Evaluate a planned person without an e-mail key, which is a group of its own."""
    reasons = []
    if planned.email_is_invalid:
        reasons.append(OpenReason.INVALID)
    if planned.id_is_another_email:
        reasons.append(OpenReason.ID_IS_ANOTHER_EMAIL)
    return Evaluation(blocking=1 if reasons else 0, reasons=tuple(reasons))


def group_of(planned: Person) -> str:
    """The key of the group of a planned person: its e-mail key, or without one its cio_id, which never has an @."""
    return planned.email_key or planned.cio_id


PersonDecision: TypeAlias = tuple[Person, Decision | None]
"""A person, with the accepted decision about it, if there is one."""


def contribution(person: Person, decision: Decision | None) -> Mapping[str, GroupCounts]:
    """What a person with this decision adds to the counts of its group, by the group's key; empty if it is removed."""
    planned = planned_person(person, decision)
    if planned is None:
        return {}
    kind = None if decision is None else decision.kind
    counts = GroupCounts(
        people=1,
        keep=int(kind is DecisionKind.KEEP),
        corrected=int(kind is DecisionKind.CORRECT),
        blocking_alone=int(planned.email_is_invalid or planned.id_is_another_email),
    )
    return {group_of(planned): counts}


def change_of(person: Person, before: Decision | None, after: Decision | None) -> Mapping[str, GroupCounts]:
    """How the counts change, by group, when the decision about a person changes."""
    changes: dict[str, GroupCounts] = defaultdict(GroupCounts)
    for sign, decision in ((-1, before), (1, after)):
        for key, counts in contribution(person, decision).items():
            changes[key] = changes[key].plus(counts, sign)
    return changes


def count_groups(decided: Iterable[PersonDecision], suppressed_keys: Collection[str]) -> Mapping[str, GroupCounts]:
    """Count the planned people of all groups, by the key of the group."""
    groups: dict[str, GroupCounts] = {}
    for person, decision in decided:
        for key, counts in contribution(person, decision).items():
            empty = GroupCounts(is_suppressed=key in suppressed_keys)
            groups[key] = groups.get(key, empty).plus(counts)
    return groups


def count_blocking(decided: Iterable[PersonDecision], suppressed_keys: Collection[str], *, merges: bool = False) -> int:
    """Count the people of a workspace that would still block the migration: the sum over all groups."""
    groups = count_groups(decided, suppressed_keys)
    return sum(evaluate_address(counts, merges=merges).blocking for counts in groups.values())
