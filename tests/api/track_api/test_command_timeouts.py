"""Calls whose transaction does not end, and submissions that are too long for one."""

import asyncio

import pytest

from tests.api.track_api.test_command_batcher import GatedPeople, batcher, command, named
from workspace_operator.application.people.command_batcher import BatcherLimits, CommandBatcher
from workspace_operator.errors import CommitUnknown, Unavailable

pytestmark = pytest.mark.anyio


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
    people = GatedPeople()
    batcher = CommandBatcher(people=people, clock=lambda: 7.9, limits=BatcherLimits(write_timeout=0.0))
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
