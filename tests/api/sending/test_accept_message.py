"""One message is accepted within the time of its client, in one step, or in two if its person is unknown."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from workspace_operator.application.ports import Accepted, KeyReused, PersonMissing
from workspace_operator.application.sending.acceptance import AcceptanceResult, accept_message
from workspace_operator.errors import CommitUnknown, InvalidInput, Unavailable
from workspace_operator.identity.model.commands import Command, Identify
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.sending.requests.send_requests import SendRequest, parse_send_request
from workspace_operator.sending.rules import SendMode

NOW = datetime(2026, 11, 29, tzinfo=UTC)
ACCEPTED = Accepted(delivery_id="0" * 24, queued_at=NOW, mode=SendMode.NORMAL)
CREATED = CommandResult(effect=Effect.CREATED)

pytestmark = pytest.mark.anyio


def request(**identifiers: str) -> SendRequest:
    body = {"to": "a@shop.example", "identifiers": identifiers, "subject": "x", "body": "x", "from": "s@shop.example"}
    return parse_send_request(body, now=NOW, digest="")


@dataclass
class Steps:
    """What the store answers, step by step, and the commands that it was given."""

    results: list[AcceptanceResult | Exception | None]
    created: CommandResultOrError = CREATED
    commands: list[Command] = field(default_factory=list)

    async def submit(self, _workspace_id: int, _requests: Sequence[SendRequest], /) -> Sequence[AcceptanceResult]:
        result = self.results.pop(0)
        if result is None:
            await asyncio.sleep(60)
        if isinstance(result, Exception) and not isinstance(result, InvalidInput):
            raise result
        assert result is not None
        return [result]

    async def execute(
        self, _workspace_id: int, commands: Sequence[tuple[str, Command]], /
    ) -> Sequence[CommandResultOrError]:
        self.commands += [command for _, command in commands]
        return [self.created]

    async def accept(self, message: SendRequest) -> Accepted | KeyReused:
        return await accept_message(self.submit, self.execute, 1, message, seconds=0.05)


def missing(message: SendRequest) -> PersonMissing:
    return PersonMissing(message.reference)


async def test_known_person_takes_one_step() -> None:
    steps = Steps([ACCEPTED])

    assert await steps.accept(request(id="ann")) == ACCEPTED
    assert steps.commands == []


async def test_unknown_person_is_identified_first() -> None:
    message = request(email="ann@shop.example")
    steps = Steps([missing(message), ACCEPTED])

    assert await steps.accept(message) == ACCEPTED
    assert steps.commands == [Identify(reference=message.reference, attributes={})]


async def test_unknown_cio_id_is_refused_at_once() -> None:
    message = request(cio_id="77")
    steps = Steps([missing(message)])

    with pytest.raises(InvalidInput, match="no person has the cio_id '77'"):
        await steps.accept(message)
    assert steps.commands == []


@pytest.mark.parametrize(
    "created",
    [InvalidInput("no identifier"), CommandResult(effect=Effect.REJECTED, reason="no identifier")],
)
async def test_person_that_cannot_be_created_is_refused(created: CommandResultOrError) -> None:
    message = request(id="ann")

    with pytest.raises(InvalidInput, match="no identifier"):
        await Steps([missing(message)], created=created).accept(message)


async def test_person_that_stays_unknown_is_refused() -> None:
    message = request(id="ann")

    with pytest.raises(InvalidInput, match="no person has the id 'ann'"):
        await Steps([missing(message), missing(message)]).accept(message)


async def test_reused_key_is_told() -> None:
    assert await Steps([KeyReused("k")]).accept(request(id="ann")) == KeyReused("k")


async def test_slow_store_leaves_the_outcome_unknown() -> None:
    with pytest.raises(CommitUnknown, match="may have been accepted"):
        await Steps([None]).accept(request(id="ann"))


async def test_full_queue_means_that_nothing_was_done() -> None:
    with pytest.raises(Unavailable) as raised:
        await Steps([Unavailable("full")]).accept(request(id="ann"))
    assert not isinstance(raised.value, CommitUnknown)
