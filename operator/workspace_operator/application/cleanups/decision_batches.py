"""Decisions of concurrent requests in common transactions.

Most of the cost of a decision is that of its transaction, and the requests about a draft wait for each other anyway.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from workspace_operator.application.ports import Actor, Cleanups, Decided, DecisionRequest
from workspace_operator.errors import WorkspaceOperatorError

MAX_DECISIONS: Final = 1_000
"""Decisions of one transaction, if they are of several requests."""


class DraftDecisions(NamedTuple):
    """A request to decide about people in the draft of a number."""

    number: int
    decisions: Sequence[DecisionRequest]
    actor: Actor

    @property
    def names(self) -> frozenset[str]:
        """The cio_ids of the people whose decisions it makes, or depends on."""
        survivors = {each.decision.survivor for each in self.decisions if each.decision.survivor is not None}
        return frozenset(survivors.union(each.cio_id for each in self.decisions))


Outcome: TypeAlias = Decided | WorkspaceOperatorError
"""What became of a request, or why none of its decisions was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideTogether:
    """Makes the decisions of several requests, for a `Batcher`."""

    cleanups: Cleanups
    clock: Callable[[], datetime]

    def __call__(
        self,
        workspace_id: int,
        requests: Sequence[DraftDecisions],
        /,
        *,
        now: int,  # noqa: ARG002 - whole seconds are too coarse for the order of decisions
    ) -> Sequence[Outcome]:
        """Make decisions in the order of the requests; one outcome per request."""
        return [outcome for group in independent_groups(requests) for outcome in self._decide(workspace_id, group)]

    def _decide(self, workspace_id: int, group: Sequence[DraftDecisions]) -> Sequence[Outcome]:
        decisions = [decision for request in group for decision in request.decisions]
        first = group[0]
        try:
            decided = self.cleanups.decide(workspace_id, first.number, decisions, actor=first.actor, now=self.clock())
        except WorkspaceOperatorError as error:
            return [error] * len(group)
        results = iter(decided.results)
        return [Decided([next(results) for _ in request.decisions], decided.cleanup) for request in group]


def independent_groups(requests: Sequence[DraftDecisions]) -> Sequence[Sequence[DraftDecisions]]:
    """Split requests, in their order, into groups that can be carried out as one request each.

    A refusal depends on the decisions about the same person and about the person to merge into (cleanups §3). So
    requests that name the same person stay apart: the first one must not fail because of the second.
    """
    groups: list[list[DraftDecisions]] = []
    names: set[str] = set()
    decisions = 0
    for request in requests:
        if (
            not groups
            or (request.number, request.actor) != (groups[-1][0].number, groups[-1][0].actor)
            or not names.isdisjoint(request.names)
            or decisions + len(request.decisions) > MAX_DECISIONS
        ):
            groups.append([])
            names, decisions = set(), 0
        groups[-1].append(request)
        names |= request.names
        decisions += len(request.decisions)
    return groups
