"""Calls whose transaction does not end, and submissions that are too long for one."""

import asyncio

import pytest

from tests.api.test_calling import GatedPeople, ask, desk, named, run
from workspace_operator.application.calling import Calling, CallingLimits
from workspace_operator.errors import OutcomeUnknown, Unavailable


def test_transaction_that_does_not_end_is_given_up_and_nothing_is_begun_behind_it() -> None:
    unknown: list[int] = []

    async def scene() -> None:
        async with desk(CallingLimits(seconds_writing=0.0)) as at:
            at.calling.watch_unknown = unknown.append
            with pytest.raises(OutcomeUnknown, match="may have been done"):
                await at.held
            with pytest.raises(Unavailable, match="nothing was done"):
                at.submit(1, "later")

            assert at.calling.is_overdue()
            at.people.gate.set()

    run(scene)

    assert unknown == [1]


def test_what_waits_behind_a_transaction_is_answered_in_time() -> None:
    async def scene() -> None:
        async with desk() as at:
            at.calling.limits = CallingLimits(seconds_waiting=0.0)
            waiting = at.submit(1, "one", "two")
            other = at.submit(2, "three")

            for each in (waiting, other):
                with pytest.raises(Unavailable, match="nothing was done"):
                    await each
            assert not at.held.done()
            at.people.gate.set()
            await at.held

        assert at.later == []

    run(scene)


def test_store_that_never_answers_does_not_keep_the_process(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        people = GatedPeople()
        calling = Calling(people=people, clock=lambda: 7.9, limits=CallingLimits(seconds_writing=0.0))
        async with calling.running():
            held = calling.submit(1, [ask("held")])
        with pytest.raises(OutcomeUnknown):
            await held
        people.gate.set()

    run(scene)

    assert "ends all the same" in caplog.text


def test_unknown_outcome_that_the_store_tells_is_counted() -> None:
    unknown: list[int] = []

    async def scene() -> None:
        async with desk() as at:
            at.calling.watch_unknown = unknown.append
            at.people.errors.append(OutcomeUnknown("the connection was lost in COMMIT"))
            at.people.gate.set()
            with pytest.raises(OutcomeUnknown):
                await at.held

    run(scene)

    assert unknown == [1]


def test_long_submission_lets_others_have_their_turn_and_keeps_its_order() -> None:
    limits = CallingLimits(asks_apart=2, asks_together=3)

    async def scene() -> None:
        async with desk(limits) as at:
            long = at.submit(1, *range(5))
            same, other = at.submit(1, "same"), at.submit(2, "other")
            at.people.gate.set()
            answers = await long
            await asyncio.gather(same, other)

        assert [named(each) for each in answers] == [f"{number}@7" for number in range(5)]
        assert at.later == [(1, ["0", "1", "same"]), (2, ["other"]), (1, ["2", "3"]), (1, ["4"])]
        assert at.calling._size == 0

    run(scene)


def test_long_submission_that_fails_after_a_part_is_unknown() -> None:
    async def scene() -> None:
        async with desk(CallingLimits(asks_apart=2)) as at:
            long = at.submit(1, *range(3))
            at.people.failing_at.append("2")
            at.people.gate.set()

            with pytest.raises(OutcomeUnknown, match="a part was done, then: away"):
                await long
            assert at.calling._size == 0

    run(scene)
