"""The use case of deciding: about single people, and about whole groups in batches.

The first decision opens a draft; looking at a list opens none.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.cleanups.lists import CleanupLists, CleanupStatus, ListRequest
from workspace_operator.application.ports import (
    NOTHING_SEEN,
    Actor,
    Cleanups,
    DecisionRequest,
    DecisionResult,
    ListedMember,
    PersonCursor,
    SeenDecisions,
)
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, merge_into
from workspace_operator.cleanups.rules import RuleAction

BATCH: Final = 500
"""People about whom one transaction decides."""

MAX_AT_ONCE: Final = 10_000
"""People about whom one request decides; the rest of a larger group follows with the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResult:
    """What became of decisions about a group.

    Attributes:
        people: number of people about whom something was decided, or whose decision was removed.
        refusals: why decisions were refused, by cio_id.
        next: where to go on, if the group is larger than a request may be.
    """

    people: int
    refusals: Mapping[str, str]
    next: PersonCursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMaker:
    """Makes decisions, and removes them."""

    cleanups: Cleanups
    lists: CleanupLists
    clock: Callable[[], datetime]

    def decide(
        self,
        workspace_id: int,
        status: CleanupStatus,
        decisions: Mapping[str, Decision],
        *,
        seen: SeenDecisions = NOTHING_SEEN,
        actor: Actor,
    ) -> Sequence[DecisionResult]:
        """Decide about people by cio_id.

        Raises Conflict if no decisions can be made, and StaleRevision if other decisions than those ``seen`` are
        stored by now; then nothing is decided.
        """
        requests = [DecisionRequest(cio_id, decision) for cio_id, decision in decisions.items()]
        number = self._draft(workspace_id, status, actor)
        return self.cleanups.decide(workspace_id, number, requests, seen=seen, actor=actor, now=self.clock()).results

    def remove(
        self,
        workspace_id: int,
        status: CleanupStatus,
        cio_ids: Collection[str],
        *,
        seen: SeenDecisions = NOTHING_SEEN,
        actor: Actor,
    ) -> int:
        """Remove decisions; returns how many there were. Raises as `decide`."""
        if status.draft is None:
            return 0
        number, now = status.draft.number, self.clock()
        return self.cleanups.remove_decisions(workspace_id, number, cio_ids, seen=seen, actor=actor, now=now)

    def decide_group(
        self,
        workspace_id: int,
        status: CleanupStatus,
        key: str,
        action: RuleAction | None,
        *,
        after: PersonCursor | None = None,
        seen: SeenDecisions = NOTHING_SEEN,
        actor: Actor,
    ) -> GroupResult:
        """Decide about the people of a group after a position, or with no action remove their decisions.

        ``seen`` are decisions about some of the first of these people. Raises NotFound if the list does not have the
        group, Conflict if no decisions can be made, and StaleRevision as `decide`.
        """
        oldest = self.lists.group(workspace_id, status, ListRequest(members=1), key).members[0]
        people, refusals, position = 0, dict[str, str](), after
        while people + len(refusals) < MAX_AT_ONCE:
            group = self.lists.group(workspace_id, status, ListRequest(members=BATCH), key, after=position)
            members = group.members
            if action is None:
                cio_ids = [each.cio_id for each in members]
                people += self.remove(workspace_id, status, cio_ids, seen=seen, actor=actor)
            else:
                decisions = group_decisions(action, oldest, members)
                results = self.decide(workspace_id, status, decisions, seen=seen, actor=actor)
                refused = {each.cio_id: each.refusal for each in results if each.refusal is not None}
                people, refusals = people + len(results) - len(refused), refusals | refused
            if len(members) < BATCH:
                return GroupResult(people=people, refusals=refusals)
            position, seen = PersonCursor(members[-1].created_at, members[-1].cio_id), NOTHING_SEEN
        return GroupResult(people=people, refusals=refusals, next=position)

    def _draft(self, workspace_id: int, status: CleanupStatus, actor: Actor) -> int:
        if status.draft is not None:
            return status.draft.number
        cleanup, _ = self.cleanups.open(workspace_id, actor=actor, now=self.clock())
        return cleanup.number


def group_decisions(
    action: RuleAction, oldest: ListedMember, members: Sequence[ListedMember]
) -> Mapping[str, Decision]:
    """What an action decides about people of a group, by cio_id; ``oldest`` is the oldest one of the whole group."""
    return {member.cio_id: _decision(action, oldest.cio_id, member.cio_id) for member in members}


def _decision(action: RuleAction, oldest: str, cio_id: str) -> Decision:
    match action:
        case RuleAction.CLEAR_ALL:
            return CLEAR
        case _ if cio_id == oldest:
            return KEEP
        case RuleAction.CLEAR_OTHERS:
            return CLEAR
        case RuleAction.DELETE_OTHERS:
            return DELETE
        case _:
            return merge_into(oldest)
