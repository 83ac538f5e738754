"""Calls that wait together share a transaction; one that fails, or whose caller is gone, harms no other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from workspace_operator.application.people.command_batcher import BatcherLimits, CommandBatcher
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.errors import CommitUnknown, InvalidInput, NotFound, StoreUnavailable, Unavailable
from workspace_operator.identity.model.commands import Command, DeletePerson
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import ID, Mode

pytestmark = pytest.mark.anyio
LIMITS = BatcherLimits()

BAD = "bad"
"""The id of a call that brings its transaction down."""


def command(number: object) -> Command:
    return DeletePerson(reference=reference_of_kind(str(number), ID, Mode.EMAIL_OR_ID))


def named(answer: CommandResultOrError) -> str:
    assert isinstance(answer, CommandResult)
    return answer.reason


@dataclass(frozen=True, slots=True)
class GatedExecutor:
    """Executes commands only while the gate is open; keeps what came together; answers with the id of each."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    transactions: list[tuple[int, list[str]]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    failing_at: list[str] = field(default_factory=list)

    def __call__(self, workspace_id: int, commands: Sequence[Command], *, now: int) -> Sequence[CommandResultOrError]:
        self.entered.set()
        assert self.gate.wait(120)
        ids = [each.reference.key for each in commands if isinstance(each, DeletePerson)]
        self.transactions.append((workspace_id, ids))
        if self.errors:
            raise self.errors[0]
        if BAD in ids:
            raise ZeroDivisionError
        if set(self.failing_at) & set(ids):
            raise StoreUnavailable("away")
        return [CommandResult(effect=Effect.DELETED, reason=f"{each}@{now}") for each in ids]


@dataclass(slots=True)
class BatcherEnv:
    """A batcher whose first transaction is held, so that what is submitted meanwhile waits."""

    people: GatedExecutor
    batcher: CommandBatcher
    held: "asyncio.Future[Sequence[CommandResultOrError]]"

    def submit(self, workspace_id: int, *numbers: object) -> "asyncio.Future[Sequence[CommandResultOrError]]":
        return self.batcher.submit(workspace_id, [command(each) for each in numbers])

    async def pair_answered(self) -> None:
        """Two clients have been answered, whose requests shared a transaction."""
        self.people.gate.set()
        await self.held
        await asyncio.gather(self.submit(1, "a"), self.submit(1, "b"))

    @property
    def later(self) -> list[tuple[int, list[str]]]:
        """The transactions after the one that was held."""
        return self.people.transactions[1:]


@asynccontextmanager
async def batcher(
    limits: BatcherLimits = LIMITS, watch: Callable[[int, int], None] = lambda _calls, _waiting: None
) -> AsyncIterator[BatcherEnv]:
    people = GatedExecutor()
    batcher = CommandBatcher(execute=people, clock=lambda: 7.9, limits=limits, on_batch=watch)
    async with batcher.run():
        held = batcher.submit(1, [command("held")])
        await asyncio.to_thread(people.entered.wait)
        try:
            yield BatcherEnv(people, batcher, held)
        finally:
            people.gate.set()


async def test_calls_that_wait_share_a_transaction() -> None:
    async with batcher() as at:
        waiting = [at.submit(1, number) for number in range(5)]
        at.people.gate.set()
        answers = await asyncio.gather(*waiting)

    assert at.later == [(1, ["0", "1", "2", "3", "4"])]
    assert [named(each) for (each,) in answers] == ["0@7", "1@7", "2@7", "3@7", "4@7"]


async def test_submission_gets_its_own_answers_in_order() -> None:
    async with batcher() as at:
        first, second = at.submit(1, "a", "b"), at.submit(1, "c")
        at.people.gate.set()

        assert [named(each) for each in await first] == ["a@7", "b@7"]
        assert [named(each) for each in await second] == ["c@7"]


async def test_workspaces_take_turns() -> None:
    async with batcher(BatcherLimits(max_batch=2)) as at:
        for number in range(4):
            at.submit(1, number)
        at.submit(2, "x")
        at.submit(3, "y")
        at.people.gate.set()

    assert at.later == [(1, ["0", "1"]), (2, ["x"]), (3, ["y"]), (1, ["2", "3"])]


async def test_clients_that_were_just_answered_share_the_next_transaction() -> None:
    async with batcher(BatcherLimits(gather_timeout=60)) as at:
        await at.pair_answered()
        first = at.submit(1, "c")
        await asyncio.sleep(0.05)

        assert not first.done()

        await asyncio.gather(first, at.submit(1, "d"))

    assert at.later == [(1, ["a", "b"]), (1, ["c", "d"])]


@pytest.mark.parametrize(
    ("workspace_id", "seconds", "commands"), [(1, 0.001, 1), (1, 60, 64), (2, 60, 1)], ids=["time", "size", "workspace"]
)
async def test_no_client_is_waited_for_in_vain(workspace_id: int, seconds: float, commands: int) -> None:
    async with batcher(BatcherLimits(gather_timeout=seconds)) as at:
        await at.pair_answered()

        async with asyncio.timeout(30):
            await at.submit(workspace_id, *range(commands))


async def test_end_waits_for_no_client() -> None:
    async with batcher(BatcherLimits(gather_timeout=60)) as at, asyncio.timeout(30):
        await at.pair_answered()
        last = at.submit(1, "c")
        await asyncio.sleep(0.05)

    assert [named(each) for each in await last] == ["c@7"]


async def test_submission_is_never_taken_apart() -> None:
    async with batcher(BatcherLimits(max_batch=3)) as at:
        at.submit(1, "a", "b")
        at.submit(1, "c", "d")
        at.submit(1, *range(5))
        at.people.gate.set()

    assert [len(ids) for _, ids in at.later] == [2, 2, 5]


async def test_answer_that_is_an_error_is_one_callers_own() -> None:
    people = FakePeople(InMemoryDatabase())
    batcher = CommandBatcher(execute=partial(execute_commands, people), clock=lambda: 7)

    async with batcher.run():
        future = batcher.submit(99, [command(1)])
        with pytest.raises(NotFound, match="99"):
            await future


@pytest.mark.parametrize("error", [StoreUnavailable("away"), NotFound("none"), InvalidInput("?")])
async def test_known_error_reaches_all_in_the_transaction(error: Exception) -> None:
    async with batcher() as at:
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


async def test_unknown_error_reaches_only_who_brings_it_about(caplog: pytest.LogCaptureFixture) -> None:
    async with batcher() as at:
        good, bad, other = at.submit(1, "good"), at.submit(1, BAD), at.submit(1, "other")
        at.people.gate.set()

        assert [named(each) for each in await good] == ["good@7"]
        assert [named(each) for each in await other] == ["other@7"]
        with pytest.raises(ZeroDivisionError):
            await bad

    assert "a request failed for an unknown reason" in caplog.text


async def test_full_queue_refuses_more() -> None:
    async with batcher(BatcherLimits(max_queue=3)) as at:
        taken = at.submit(1, 1, 2)
        with pytest.raises(Unavailable, match="2 commands are waiting"):
            at.submit(2, 3, 4)
        also_taken = at.submit(2, 3)
        at.people.gate.set()

        assert len(await taken) == 2
        assert len(await also_taken) == 1


async def test_empty_queue_takes_any_submission() -> None:
    async with batcher(BatcherLimits(max_queue=3)) as at:
        at.people.gate.set()

        assert len(await at.submit(1, *range(10))) == 10


async def test_what_waited_too_long_is_refused_untried() -> None:
    async with batcher(BatcherLimits(queue_timeout=60)) as at:
        late = at.submit(1, "late")
        advance(asyncio.get_running_loop(), 61)
        timely = at.submit(1, "timely")
        at.people.gate.set()

        with pytest.raises(Unavailable, match="nothing was done"):
            await late
        assert [named(each) for each in await timely] == ["timely@7"]

    assert at.later == [(1, ["timely"])]


def advance(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Put the clock of an event loop forward."""
    time = loop.time
    setattr(loop, "time", lambda: time() + seconds)  # noqa: B010 - the type checker takes a method for read-only


async def test_caller_that_went_away_changes_nothing() -> None:
    async with batcher() as at:
        gone, stays = at.submit(1, "gone"), at.submit(1, "stays")
        gone.cancel()
        at.people.gate.set()

        assert [named(each) for each in await stays] == ["stays@7"]

    assert at.later == [(1, ["gone", "stays"])]


async def test_end_finishes_what_was_accepted() -> None:
    async with batcher(BatcherLimits(max_batch=1)) as at:
        waiting = [at.submit(1, number) for number in range(20)]
        asyncio.get_running_loop().call_later(0.05, at.people.gate.set)

    assert len(at.later) == 20
    assert all(each.done() for each in waiting)


def test_nothing_is_taken_outside_its_running() -> None:
    batcher = CommandBatcher(execute=GatedExecutor(), clock=lambda: 7)

    with pytest.raises(Unavailable, match="stopping"):
        batcher.submit(1, [command(1)])


async def test_transactions_are_reported_by_size() -> None:
    told: list[tuple[int, int]] = []

    async with batcher(BatcherLimits(max_batch=2), lambda calls, waiting: told.append((calls, waiting))) as at:
        for number in range(3):
            at.submit(1, number)
        at.people.gate.set()

    assert [calls for calls, _ in told] == [1, 2, 1]
    assert told[-1] == (1, 0)


def test_watcher_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """On an event loop that logs the error: anyio's own would fail the test."""

    def fail(_calls: int, _waiting: int) -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        async with batcher(watch=fail) as at:
            at.people.gate.set()

            assert [named(each) for each in await at.held] == ["held@7"]
            assert [named(each) for each in await at.submit(1, 1)] == ["1@7"]

    asyncio.run(scenario())

    assert "ZeroDivisionError" in caplog.text


async def test_waiting_calls_are_counted_exactly() -> None:
    async with batcher(BatcherLimits(max_queue=5)) as at:
        at.people.gate.set()
        for _ in range(200):
            await asyncio.gather(*(at.submit(number, number) for number in range(5)))


async def test_transaction_that_does_not_end_is_given_up_and_nothing_is_begun_behind_it() -> None:
    unknown: list[int] = []

    async with batcher(BatcherLimits(write_timeout=0.0)) as at:
        at.batcher.on_unknown = unknown.append
        with pytest.raises(CommitUnknown, match="may have been done"):
            await at.held
        with pytest.raises(Unavailable, match="nothing was done"):
            at.submit(1, "later")

        assert at.batcher.is_overdue()
        at.people.gate.set()

    assert unknown == [1]


async def test_what_waits_behind_a_transaction_is_answered_in_time() -> None:
    async with batcher() as at:
        at.batcher.limits = BatcherLimits(queue_timeout=0.0)
        waiting = at.submit(1, "one", "two")
        other = at.submit(2, "three")

        for each in (waiting, other):
            with pytest.raises(Unavailable, match="nothing was done"):
                await each
        assert not at.held.done()
        at.people.gate.set()
        await at.held

    assert at.later == []


async def test_store_that_never_answers_does_not_keep_the_process(caplog: pytest.LogCaptureFixture) -> None:
    people = GatedExecutor()
    batcher = CommandBatcher(execute=people, clock=lambda: 7.9, limits=BatcherLimits(write_timeout=0.0))
    async with batcher.run():
        held = batcher.submit(1, [command("held")])
    with pytest.raises(CommitUnknown):
        await held
    people.gate.set()

    assert "ends anyway" in caplog.text


async def test_unknown_outcome_that_the_store_reports_is_counted() -> None:
    unknown: list[int] = []

    async with batcher() as at:
        at.batcher.on_unknown = unknown.append
        at.people.errors.append(CommitUnknown("the connection was lost in COMMIT"))
        at.people.gate.set()
        with pytest.raises(CommitUnknown):
            await at.held

    assert unknown == [1]


async def test_long_submission_lets_others_have_their_turn_and_keeps_its_order() -> None:
    limits = BatcherLimits(max_part=2, max_batch=3)

    async with batcher(limits) as at:
        long = at.submit(1, *range(5))
        same, other = at.submit(1, "same"), at.submit(2, "other")
        at.people.gate.set()
        answers = await long
        await asyncio.gather(same, other)

    assert [named(each) for each in answers] == [f"{number}@7" for number in range(5)]
    assert at.later == [(1, ["0", "1", "same"]), (2, ["other"]), (1, ["2", "3"]), (1, ["4"])]
    assert at.batcher._size == 0


async def test_long_submission_that_fails_after_a_part_is_unknown() -> None:
    async with batcher(BatcherLimits(max_part=2)) as at:
        long = at.submit(1, *range(3))
        at.people.failing_at.append("2")
        at.people.gate.set()

        with pytest.raises(CommitUnknown, match="a part was done, then: away"):
            await long
        assert at.batcher._size == 0
