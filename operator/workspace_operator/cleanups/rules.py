"""Rules: decisions about many groups at once that name no person (cleanups §5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, merge_into
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import same_value


class RuleAction(StrEnum):
    """What a rule decides about a group; values as in the API."""

    MERGE_INTO_OLDEST = "mergeIntoOldest"
    MERGE_INTO_NEWEST = "mergeIntoNewest"
    CLEAR_OTHERS = "clearOthers"
    CLEAR_ALL = "clearAll"
    DELETE_OTHERS = "deleteOthers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition and an action.

    Attributes:
        max_people: maximum number of people of a group; None for any.
        equal_attributes: names of attributes that must be equal for all people of a group.
        not_called_since: Unix seconds; a group that a call has named since then is left out. None for any group.
        suffix: end of the e-mail key, in lower case.
    """

    action: RuleAction
    max_people: int | None = None
    equal_attributes: tuple[str, ...] = ()
    not_called_since: int | None = None
    suffix: str = ""

    def applies(self, key: str, group: Sequence[Person], called_at: Mapping[str, int]) -> bool:
        """Whether the rule decides about the people who share an e-mail key.

        ``called_at`` has the time of the last call, in Unix seconds, by cio_id, of people that a call has named.
        """
        if len(group) < 2 or not key.endswith(self.suffix):
            return False
        if self.max_people is not None and len(group) > self.max_people:
            return False
        if any(not _is_equal(group, name) for name in self.equal_attributes):
            return False
        since = self.not_called_since
        return since is None or all(called_at.get(person.cio_id, since - 1) < since for person in group)

    def applies_to_any_people(self, key: str, people: int) -> bool:
        """Whether the rule applies to a group of this size whoever its people are."""
        is_small_enough = self.max_people is None or people <= self.max_people
        has_condition = bool(self.equal_attributes) or self.not_called_since is not None
        return is_small_enough and not has_condition and key.endswith(self.suffix)

    def decision_about_others(self, kept: str) -> Decision:
        """The decision about the people of a group other than the one who is kept, by its cio_id."""
        return _DECISIONS.get(self.action) or merge_into(kept)

    def decide(self, group: Sequence[Person]) -> Mapping[str, Decision]:
        """The decisions about the people of a group, by cio_id."""
        if self.action is RuleAction.CLEAR_ALL:
            return {person.cio_id: CLEAR for person in group}
        newest = self.action is RuleAction.MERGE_INTO_NEWEST
        kept, *others = sorted(group, key=lambda person: person.age_key, reverse=newest)
        decision = self.decision_about_others(kept.cio_id)
        return {kept.cio_id: KEEP, **{person.cio_id: decision for person in others}}


_DECISIONS: Final[Mapping[RuleAction, Decision]] = {
    RuleAction.CLEAR_OTHERS: CLEAR,
    RuleAction.CLEAR_ALL: CLEAR,
    RuleAction.DELETE_OTHERS: DELETE,
}


def _is_equal(group: Sequence[Person], name: str) -> bool:
    first, *others = [person.attributes.get(name) for person in group]
    return all(same_value(first, other) for other in others)


class RuleState(StrEnum):
    """Where a rule is; values as in the API."""

    COUNTING = "Counting"
    COUNTED = "Counted"
    """It is known what the rule would decide; nothing is decided yet."""
    DECIDING = "Deciding"
    DECIDED = "Decided"
    REMOVING = "Removing"


UNFINISHED: Final = frozenset({RuleState.COUNTING, RuleState.DECIDING, RuleState.REMOVING})
"""States in which the worker has work."""


class RuleCounts(NamedTuple):
    """How many groups and people a rule decides about."""

    groups: int
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    """A rule of a cleanup.

    Attributes:
        position: unique in the cleanup, from 1.
        groups: number of groups about which the rule decides, as far as they are counted; once it is confirmed, of
            those about which it has decided.
        people: number of people of these groups.
        groups_open: number of these groups that stay open.
    """

    position: int
    rule: Rule
    state: RuleState
    groups: int
    people: int
    groups_open: int
    created_at: datetime
    created_by: str

    @property
    def counts(self) -> RuleCounts:
        """How many groups and people the rule decides about."""
        return RuleCounts(self.groups, self.people)
