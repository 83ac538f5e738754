"""What decisions settle: the people that would still block the migration, address by address (cleanups §4)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
class AddressCounts:
    """The planned people of one address, in numbers, so that a group of any size is evaluated alike.

    Attributes:
        people: people who have the address after the decisions.
        keep: how many of them a decision tells to keep it.
        corrected: how many of them get it by a correction.
        another_ids: how many of them have an id that is another address.
        is_suppressed: whether the address is suppressed.
    """

    people: int
    keep: int = 0
    corrected: int = 0
    another_ids: int = 0
    is_suppressed: bool = False


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
        """Whether no person of the group would block the migration."""
        return not self.reasons


Condition: TypeAlias = Callable[[AddressCounts], bool]


def several_keep(counts: AddressCounts) -> bool:
    """Several people are to keep the address."""
    return counts.keep > 1


def given_to_several(counts: AddressCounts) -> bool:
    """Several people get the address by a correction."""
    return counts.corrected > 1


def is_taken(counts: AddressCounts) -> bool:
    """A person gets the address by a correction, and another one has it."""
    return 0 < counts.corrected < counts.people


def is_shared(counts: AddressCounts) -> bool:
    """Several people have the address, for no reason that a decision gives."""
    return counts.people > 1 and not (several_keep(counts) or given_to_several(counts) or is_taken(counts))


def is_suppressed(counts: AddressCounts) -> bool:
    """A person has the address, and it is suppressed."""
    return counts.is_suppressed and counts.people > 0


def has_another_id(counts: AddressCounts) -> bool:
    """A person has an id that is another address."""
    return counts.another_ids > 0


CONDITIONS: Final[Mapping[OpenReason, Condition]] = {
    OpenReason.SEVERAL_KEEP: several_keep,
    OpenReason.GIVEN_TO_SEVERAL: given_to_several,
    OpenReason.TAKEN: is_taken,
    OpenReason.SHARED: is_shared,
    OpenReason.SUPPRESSED: is_suppressed,
    OpenReason.ID_IS_ANOTHER_EMAIL: has_another_id,
}
"""The rows of cleanups §4, in order."""


def evaluate_address(counts: AddressCounts) -> Evaluation:
    """Evaluate the group of an address."""
    blocks_as_a_whole = counts.people > 1 or counts.is_suppressed
    return Evaluation(
        blocking=counts.people if blocks_as_a_whole else counts.another_ids,
        reasons=tuple(reason for reason, holds in CONDITIONS.items() if holds(counts)),
    )


def evaluate_without_address(planned: Person) -> Evaluation:
    """Evaluate a planned person without an e-mail key, which is a group of its own."""
    reasons = []
    if planned.email_is_invalid:
        reasons.append(OpenReason.INVALID)
    if planned.id_is_another_email:
        reasons.append(OpenReason.ID_IS_ANOTHER_EMAIL)
    return Evaluation(blocking=1 if reasons else 0, reasons=tuple(reasons))


PersonDecision: TypeAlias = tuple[Person, Decision | None]
"""A person, with the accepted decision about it, if there is one."""


def count_address(decided: Iterable[PersonDecision], key: str, *, is_suppressed: bool) -> AddressCounts:
    """Count the planned people of an e-mail key among people with their decisions; others are left out."""
    return _counts(_planned_groups(decided).get(key, []), is_suppressed=is_suppressed)


def count_blocking(decided: Iterable[PersonDecision], suppressed_keys: Collection[str]) -> int:
    """Count the people of a workspace that would still block the migration: the sum over all groups."""
    groups = _planned_groups(decided)
    without_address = groups.pop(None, [])
    return sum(evaluate_without_address(planned).blocking for planned, _ in without_address) + sum(
        evaluate_address(_counts(group, is_suppressed=key in suppressed_keys)).blocking for key, group in groups.items()
    )


def _planned_groups(decided: Iterable[PersonDecision]) -> dict[str | None, list[PersonDecision]]:
    """The planned people with the decisions that planned them, by e-mail key."""
    groups: dict[str | None, list[PersonDecision]] = defaultdict(list)
    for person, decision in decided:
        planned = planned_person(person, decision)
        if planned is not None:
            groups[planned.email_key].append((planned, decision))
    return groups


def _counts(group: Sequence[PersonDecision], *, is_suppressed: bool) -> AddressCounts:
    kinds = Counter(decision.kind for _, decision in group if decision is not None)
    return AddressCounts(
        people=len(group),
        keep=kinds[DecisionKind.KEEP],
        corrected=kinds[DecisionKind.CORRECT],
        another_ids=sum(planned.id_is_another_email for planned, _ in group),
        is_suppressed=is_suppressed,
    )
