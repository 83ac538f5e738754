"""Calls that wait together share a transaction; one that fails, or whose caller is gone, harms no other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fakes.memory import Memory
from tests.fakes.people import MemoryPeople
from workspace_operator.application.calling import Calling, CallingLimits
from workspace_operator.application.ports import Answer
from workspace_operator.errors import InvalidInput, NotFound, StoreUnavailable, Unavailable
from workspace_operator.identity.calls import Ask, DeleteCall
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import ID, Mode

LIMITS = CallingLimits()

BAD = "bad"
"""The id of a call that brings its transaction down."""


def ask(number: object) -> Ask:
    return DeleteCall(reference=reference_by_kind(str(number), ID, Mode.EMAIL_OR_ID))


def named(answer: Answer) -> str:
    assert isinstance(answer, Outcome)
    return answer.reason


@dataclass(frozen=True, slots=True)
class GatedPeople(MemoryPeople):
    """Carries calls out only while the gate is open; keeps what came together; answers with the id of each."""

    memory: Memory = field(default_factory=Memory)
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    transactions: list[tuple[int, list[str]]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    failing_at: list[str] = field(default_factory=list)

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:
        self.entered.set()
        assert self.gate.wait(120)
        ids = [each.reference.key for each in asks if isinstance(each, DeleteCall)]
        self.transactions.append((workspace_id, ids))
        if self.errors:
            raise self.errors[0]
        if BAD in ids:
            raise ZeroDivisionError
        if set(self.failing_at) & set(ids):
            raise StoreUnavailable("away")
        return [Outcome(effect=Effect.DELETED, reason=f"{each}@{now}") for each in ids]


@dataclass(slots=True)
class Desk:
    """A calling whose first transaction is held, so that what is submitted meanwhile waits."""

    people: GatedPeople
    calling: Calling
    held: "asyncio.Future[Sequence[Answer]]"

    def submit(self, workspace_id: int, *numbers: object) -> "asyncio.Future[Sequence[Answer]]":
        return self.calling.submit(workspace_id, [ask(each) for each in numbers])

    @property
    def later(self) -> list[tuple[int, list[str]]]:
        """The transactions after the one that was held."""
        return self.people.transactions[1:]


@asynccontextmanager
async def desk(
    limits: CallingLimits = LIMITS, watch: Callable[[int, int], None] = lambda _calls, _waiting: None
) -> AsyncIterator[Desk]:
    people = GatedPeople()
    calling = Calling(people=people, clock=lambda: 7.9, limits=limits, watch=watch)
    async with calling.running():
        held = calling.submit(1, [ask("held")])
        await asyncio.to_thread(people.entered.wait)
        try:
            yield Desk(people, calling, held)
        finally:
            people.gate.set()


def run(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 300))


def test_calls_that_wait_share_a_transaction() -> None:
    async def scene() -> None:
        async with desk() as at:
            waiting = [at.submit(1, number) for number in range(5)]
            at.people.gate.set()
            answers = await asyncio.gather(*waiting)

        assert at.later == [(1, ["0", "1", "2", "3", "4"])]
        assert [named(each) for (each,) in answers] == ["0@7", "1@7", "2@7", "3@7", "4@7"]

    run(scene)


def test_submission_gets_its_own_answers_in_order() -> None:
    async def scene() -> None:
        async with desk() as at:
            first, second = at.submit(1, "a", "b"), at.submit(1, "c")
            at.people.gate.set()

            assert [named(each) for each in await first] == ["a@7", "b@7"]
            assert [named(each) for each in await second] == ["c@7"]

    run(scene)


def test_workspaces_take_turns() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(asks_together=2)) as at:
            for number in range(4):
                at.submit(1, number)
            at.submit(2, "x")
            at.submit(3, "y")
            at.people.gate.set()

        assert at.later == [(1, ["0", "1"]), (2, ["x"]), (3, ["y"]), (1, ["2", "3"])]

    run(scene)


def test_submission_is_never_taken_apart() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(asks_together=3)) as at:
            at.submit(1, "a", "b")
            at.submit(1, "c", "d")
            at.submit(1, *range(5))
            at.people.gate.set()

        assert [len(ids) for _, ids in at.later] == [2, 2, 5]

    run(scene)


def test_answer_that_is_an_error_is_one_callers_own() -> None:
    async def scene() -> None:
        people = MemoryPeople(Memory())
        calling = Calling(people=people, clock=lambda: 7)

        async with calling.running():
            future = calling.submit(99, [ask(1)])
            with pytest.raises(NotFound, match="99"):
                await future

    run(scene)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), NotFound("none"), InvalidInput("?")])
def test_known_error_reaches_all_in_the_transaction(error: Exception) -> None:
    async def scene() -> None:
        async with desk() as at:
            waiting = [at.submit(1, 1), at.submit(1, 2)]
            at.people.errors.append(error)
            at.people.gate.set()
            results = await asyncio.gather(*waiting, return_exceptions=True)

            assert results == [error, error]
            assert len(at.later) == 1
            at.people.errors.clear()
            assert [named(each) for each in await at.submit(1, 3)] == ["3@7"]
            with pytest.raises(type(error)):
                await at.held

    run(scene)


def test_unknown_error_reaches_only_who_brings_it_about(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with desk() as at:
            good, bad, other = at.submit(1, "good"), at.submit(1, BAD), at.submit(1, "other")
            at.people.gate.set()

            assert [named(each) for each in await good] == ["good@7"]
            assert [named(each) for each in await other] == ["other@7"]
            with pytest.raises(ZeroDivisionError):
                await bad

    run(scene)

    assert "a call failed for no known reason" in caplog.text


def test_full_queue_refuses_more() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(asks_waiting=3)) as at:
            taken = at.submit(1, 1, 2)
            with pytest.raises(Unavailable, match="2 calls are waiting"):
                at.submit(2, 3, 4)
            also_taken = at.submit(2, 3)
            at.people.gate.set()

            assert len(await taken) == 2
            assert len(await also_taken) == 1

    run(scene)


def test_empty_queue_takes_any_submission() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(asks_waiting=3)) as at:
            at.people.gate.set()

            assert len(await at.submit(1, *range(10))) == 10

    run(scene)


def test_what_waited_too_long_is_refused_untried() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(seconds_waiting=60)) as at:
            late = at.submit(1, "late")
            forward(asyncio.get_running_loop(), 61)
            timely = at.submit(1, "timely")
            at.people.gate.set()

            with pytest.raises(Unavailable, match="nothing was done"):
                await late
            assert [named(each) for each in await timely] == ["timely@7"]

        assert at.later == [(1, ["timely"])]

    run(scene)


def forward(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Put the clock of an event loop forward."""
    time = loop.time
    setattr(loop, "time", lambda: time() + seconds)  # noqa: B010 - the type checker takes a method for read-only


def test_caller_that_went_away_changes_nothing() -> None:
    async def scene() -> None:
        async with desk() as at:
            gone, stays = at.submit(1, "gone"), at.submit(1, "stays")
            gone.cancel()
            at.people.gate.set()

            assert [named(each) for each in await stays] == ["stays@7"]

        assert at.later == [(1, ["gone", "stays"])]

    run(scene)


def test_end_finishes_what_was_accepted() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(asks_together=1)) as at:
            waiting = [at.submit(1, number) for number in range(20)]
            asyncio.get_running_loop().call_later(0.05, at.people.gate.set)

        assert len(at.later) == 20
        assert all(each.done() for each in waiting)

    run(scene)


def test_nothing_is_taken_outside_its_running() -> None:
    calling = Calling(people=GatedPeople(), clock=lambda: 7)

    with pytest.raises(Unavailable, match="stopping"):
        calling.submit(1, [ask(1)])


def test_transactions_are_told_by_size() -> None:
    told: list[tuple[int, int]] = []

    async def scene() -> None:
        async with desk(CallingLimits(asks_together=2), lambda calls, waiting: told.append((calls, waiting))) as at:
            for number in range(3):
                at.submit(1, number)
            at.people.gate.set()

    run(scene)

    assert [calls for calls, _ in told] == [1, 2, 1]
    assert told[-1] == (1, 0)


def test_watcher_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_calls: int, _waiting: int) -> None:
        raise ZeroDivisionError

    async def scene() -> None:
        async with desk(watch=fail) as at:
            at.people.gate.set()

            assert [named(each) for each in await at.held] == ["held@7"]
            assert [named(each) for each in await at.submit(1, 1)] == ["1@7"]

    run(scene)

    assert "ZeroDivisionError" in caplog.text


def test_waiting_calls_are_counted_exactly() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(asks_waiting=5)) as at:
            at.people.gate.set()
            for _ in range(200):
                await asyncio.gather(*(at.submit(number, number) for number in range(5)))

    run(scene)
