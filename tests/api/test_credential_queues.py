"""Strangers: they wait in a queue of their own, and addresses that send wrong keys are answered late."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import httpx
import pytest

from tests.api.scenes import NOW, Shop
from tests.api.servers import basic
from tests.api.test_authentication import PERSON, put
from workspace_operator.application.ports import CredentialDigests, Credentials, StoredCredentials
from workspace_operator.errors import Unavailable
from workspace_operator.web import authentication
from workspace_operator.web import wrong_keys as module_of_wrong_keys
from workspace_operator.web.authentication import MOST_TOGETHER, MOST_WAITING, REMEMBERED_SECONDS, Authenticator
from workspace_operator.web.exchanges import NOBODY
from workspace_operator.web.routes import Authentication
from workspace_operator.web.services import Limits
from workspace_operator.web.wrong_keys import MOST_HELD, WrongKeys


@dataclass(slots=True)
class Everybody:
    """Credentials that any app key belongs to, once the gate is open."""

    gate: threading.Event = field(default_factory=threading.Event)
    queries: list[int] = field(default_factory=list)

    def of_app_keys(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        self.queries.append(len(digests))
        assert self.gate.wait(120)
        return {each: replace(NOBODY, workspace_id=7, digests=_with_app_key(each), created_at=now) for each in digests}


def _with_app_key(digest: str) -> CredentialDigests:
    return CredentialDigests(site_id="", api_key="", app_key=digest)


def authenticator(everybody: Everybody, monotonic: Callable[[], float] = time.monotonic) -> Authenticator:
    return Authenticator(credentials=cast("Credentials", everybody), clock=lambda: NOW, monotonic=monotonic)


def test_look_up_is_remembered_for_a_second() -> None:
    async def scene() -> list[int]:
        everybody, now = Everybody(), [0.0]
        everybody.gate.set()
        ours = authenticator(everybody, lambda: now[0])
        counts = []
        for seconds in (0.0, 0.0, REMEMBERED_SECONDS - 0.01, 0.02):
            now[0] += seconds
            await ours.caller(Authentication.APP, b"Bearer x")
            counts.append(len(everybody.queries))
        return counts

    assert asyncio.run(scene()) == [1, 1, 1, 2]


def test_strangers_beyond_their_number_are_told_to_come_again_and_nobody_else_is() -> None:
    async def scene() -> None:
        everybody, now = Everybody(), [0.0]
        ours = authenticator(everybody, lambda: now[0])
        everybody.gate.set()
        await ours.caller(Authentication.APP, b"Bearer known")
        everybody.gate.clear()
        now[0] += 100
        strangers = [
            asyncio.create_task(ours.caller(Authentication.APP, b"Bearer %d" % number))
            for number in range(MOST_WAITING)
        ]
        await asyncio.sleep(0)

        with pytest.raises(Unavailable, match="too many credentials"):
            await ours.caller(Authentication.APP, b"Bearer one more")
        same = asyncio.create_task(ours.caller(Authentication.APP, b"Bearer 0"))
        known = asyncio.create_task(ours.caller(Authentication.APP, b"Bearer known"))
        await asyncio.sleep(0)
        everybody.gate.set()
        callers = await asyncio.gather(*strangers, same, known)

        assert {each.workspace_id for each in callers if each is not None} == {7}
        assert max(everybody.queries) == MOST_TOGETHER

    asyncio.run(scene())


def test_database_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        everybody = Everybody()
        monkeypatch.setattr(authentication, "LOOK_UP_SECONDS", 0.01)

        with pytest.raises(Unavailable, match="in time"):
            await authenticator(everybody).caller(Authentication.APP, b"Bearer x")

        everybody.gate.set()

    asyncio.run(scene())


def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        everybody = Everybody()
        everybody.gate.set()
        monkeypatch.setattr(authentication, "MOST_REMEMBERED", 10)
        ours = authenticator(everybody)

        for number in range(15):
            await ours.caller(Authentication.APP, b"Bearer %d" % number)

        assert len(ours._known) == 10

    asyncio.run(scene())


def test_address_of_many_wrong_keys_is_slowed_down() -> None:
    async def scene() -> list[bool]:
        now = [0.0]
        wrong_keys = WrongKeys(free=2, seconds=3600, monotonic=lambda: now[0])
        for _ in range(2):
            assert await wrong_keys.hold_back("192.0.2.1")
        held = [asyncio.create_task(wrong_keys.hold_back("192.0.2.1")) for _ in range(MOST_HELD)]
        await asyncio.sleep(0)
        told = [each.done() for each in held[:1]]
        told.append(await wrong_keys.hold_back("192.0.2.1"))  # with too many held back it is ended instead
        told.append(await wrong_keys.hold_back("192.0.2.2"))
        for each in held:
            each.cancel()
        now[0] += 61
        told.append(await wrong_keys.hold_back("192.0.2.1"))
        return told

    assert asyncio.run(scene()) == [False, False, True, True]


def test_addresses_of_one_network_are_one() -> None:
    async def scene() -> list[bool]:
        wrong_keys = WrongKeys(free=1, seconds=0.0)
        for address in ("2001:db8::1", "fe80::1%eth0", "no:address", ""):
            assert await wrong_keys.hold_back(address)
        return [len(wrong_keys._counts) == 4, await wrong_keys.hold_back("2001:db8::2"), len(wrong_keys._counts) == 4]

    assert asyncio.run(scene()) == [True, True, True]


def test_addresses_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> int:
        monkeypatch.setattr(module_of_wrong_keys, "MOST_ADDRESSES", 3)
        wrong_keys = WrongKeys(free=1, seconds=0.0)
        for number in range(10):
            await wrong_keys.hold_back(f"192.0.2.{number}")
        return len(wrong_keys._counts)

    assert asyncio.run(scene()) == 3


def test_wrong_keys_are_held_back_and_right_ones_are_not() -> None:
    shop = Shop(limits=Limits(wrong_keys=3, wrong_key_seconds=3600))
    workspace = shop.open()
    with shop.serving() as counter:
        assert [put(counter, basic("guess", "x")).status_code for _ in range(3)] == [401] * 3
        with (
            pytest.raises(httpx.ReadTimeout),
            counter.client(basic("guess", "x"), timeout=httpx.Timeout(60, read=0.5)) as client,
        ):
            client.put(PERSON, json={})
        statuses = [put(counter, {}).status_code, put(counter, workspace.track).status_code]

    assert statuses == [401, 200]
