"""Decisions of concurrent requests: which share a transaction, and that each request gets its own outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from workspace_operator.application.cleanups.decision_batches import (
    MAX_DECISIONS,
    DecideTogether,
    DraftDecisions,
    Outcome,
    independent_groups,
)
from workspace_operator.application.ports import Actor, Cleanups, Decided, DecisionRequest, DecisionResult
from workspace_operator.cleanups.decisions import CLEAR, DELETE, Decision, merge_into
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.errors import Conflict, StoreUnavailable, WorkspaceOperatorError

ADA, OMAR = Actor.app_key(1), Actor.app_key(2)
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def asked(*cio_ids: str, decision: Decision = CLEAR, number: int = 1, actor: Actor = ADA) -> DraftDecisions:
    return DraftDecisions(number, [DecisionRequest(cio_id, decision) for cio_id in cio_ids], actor)


@pytest.mark.parametrize(
    ("requests", "sizes"),
    [
        ([], []),
        ([asked("a"), asked("b", "c"), asked("d")], [3]),
        ([asked("a"), asked("b"), asked("a"), asked("b")], [2, 2]),
        ([asked("a"), asked("b", decision=merge_into("a"))], [1, 1]),
        ([asked("b", decision=merge_into("a")), asked("a", decision=DELETE)], [1, 1]),
        ([asked("b", decision=merge_into("a")), asked("c", decision=merge_into("a"))], [1, 1]),
        ([asked("a"), asked("b", actor=OMAR), asked("c", actor=OMAR), asked("d")], [1, 2, 1]),
        ([asked("a"), asked("b", number=2)], [1, 1]),
    ],
)
def test_requests_share_a_transaction_if_no_one_depends_on_another(
    requests: Sequence[DraftDecisions], sizes: Sequence[int]
) -> None:
    groups = independent_groups(requests)

    assert [len(group) for group in groups] == sizes
    assert [request for group in groups for request in group] == requests


def test_a_transaction_has_a_bounded_number_of_decisions() -> None:
    large = asked(*(f"{number}" for number in range(MAX_DECISIONS)))

    assert independent_groups([asked("a"), large, asked("b")]) == [[asked("a")], [large], [asked("b")]]


@dataclass(slots=True)
class Drafts:
    """Decides about everybody but in cleanup 2, which is no draft, and about nobody while the store is away."""

    calls: list[Sequence[str]] = field(default_factory=list)
    is_away: bool = False

    def decide(
        self, workspace_id: int, number: int, requests: Sequence[DecisionRequest], *, actor: Actor, now: datetime
    ) -> Decided:
        assert (workspace_id, now) == (7, NOW)
        self.calls.append([f"{actor.name}: {request.cio_id}" for request in requests])
        if self.is_away:
            raise StoreUnavailable("the database does not answer")
        if number == 2:
            raise Conflict("cleanup 2 is Applied")
        return Decided([DecisionResult(cio_id=request.cio_id) for request in requests], cast("Cleanup", number))


def decide(drafts: Drafts, *requests: DraftDecisions) -> Sequence[Outcome]:
    return DecideTogether(cleanups=cast("Cleanups", drafts), clock=lambda: NOW)(7, requests, now=0)


def test_each_request_gets_its_own_results() -> None:
    drafts = Drafts()

    outcomes = decide(drafts, asked("a", "b"), asked("c"), asked("a", actor=OMAR))

    assert [[each.cio_id for each in outcome.results] for outcome in outcomes if isinstance(outcome, Decided)] == [
        ["a", "b"],
        ["c"],
        ["a"],
    ]
    assert drafts.calls == [
        [f"{ADA.name}: a", f"{ADA.name}: b", f"{ADA.name}: c"],
        [f"{OMAR.name}: a"],
    ]


def test_a_refused_draft_does_not_fail_other_requests() -> None:
    outcomes = decide(Drafts(), asked("a", number=2), asked("b", number=2), asked("c"))

    assert [type(outcome) for outcome in outcomes] == [Conflict, Conflict, Decided]


def test_store_that_is_away_fails_every_request() -> None:
    outcomes = decide(Drafts(is_away=True), asked("a"), asked("b"))

    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert all(isinstance(outcome, WorkspaceOperatorError) for outcome in outcomes)
