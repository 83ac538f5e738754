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

from tests.api.core.test_authentication import PERSON, put
from tests.api.servers import basic
from tests.api.threaded_server import NOW, ThreadedServer
from workspace_operator.application.ports import CredentialDigests, Credentials, StoredCredentials
from workspace_operator.errors import Unavailable
from workspace_operator.web.core import auth_throttle, authentication
from workspace_operator.web.core.auth_throttle import MAX_DELAYED, AuthThrottle
from workspace_operator.web.core.authentication import (
    CACHE_SECONDS,
    MAX_LOOKUP_BATCH,
    MAX_PENDING_LOOKUPS,
    Authenticator,
)
from workspace_operator.web.core.http import UNAUTHENTICATED
from workspace_operator.web.core.limits import Limits
from workspace_operator.web.core.router import Authentication

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class BlockingCredentials:
    """Credentials that any app key belongs to, once the gate is open."""

    gate: threading.Event = field(default_factory=threading.Event)
    queries: list[int] = field(default_factory=list)

    def find_by_app_keys(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        self.queries.append(len(digests))
        assert self.gate.wait(120)
        return {
            each: replace(UNAUTHENTICATED, workspace_id=7, digests=_with_app_key(each), created_at=now)
            for each in digests
        }


def _with_app_key(digest: str) -> CredentialDigests:
    return CredentialDigests(site_id="", api_key="", app_key=digest)


def authenticator(everybody: BlockingCredentials, monotonic: Callable[[], float] = time.monotonic) -> Authenticator:
    return Authenticator(credentials=cast("Credentials", everybody), clock=lambda: NOW, monotonic=monotonic)


async def test_look_up_is_remembered_for_a_second() -> None:
    everybody, now = BlockingCredentials(), [0.0]
    everybody.gate.set()
    ours = authenticator(everybody, lambda: now[0])
    for seconds, lookups in ((0.0, 1), (0.0, 1), (CACHE_SECONDS - 0.01, 1), (0.02, 2)):
        now[0] += seconds
        await ours.authenticate(Authentication.APP, b"Bearer x")
        assert len(everybody.queries) == lookups


async def test_only_unknown_callers_beyond_the_limit_must_retry_later() -> None:
    everybody, now = BlockingCredentials(), [0.0]
    ours = authenticator(everybody, lambda: now[0])
    everybody.gate.set()
    await ours.authenticate(Authentication.APP, b"Bearer known")
    everybody.gate.clear()
    now[0] += 100
    strangers = [
        asyncio.create_task(ours.authenticate(Authentication.APP, b"Bearer %d" % number))
        for number in range(MAX_PENDING_LOOKUPS)
    ]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="too many credentials"):
        await ours.authenticate(Authentication.APP, b"Bearer one more")
    same = asyncio.create_task(ours.authenticate(Authentication.APP, b"Bearer 0"))
    known = asyncio.create_task(ours.authenticate(Authentication.APP, b"Bearer known"))
    await asyncio.sleep(0)
    everybody.gate.set()
    callers = await asyncio.gather(*strangers, same, known)

    assert {each.workspace_id for each in callers if each is not None} == {7}
    assert max(everybody.queries) == MAX_LOOKUP_BATCH


async def test_database_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = BlockingCredentials()
    monkeypatch.setattr(authentication, "LOOKUP_TIMEOUT_SECONDS", 0.01)

    with pytest.raises(Unavailable, match="in time"):
        await authenticator(everybody).authenticate(Authentication.APP, b"Bearer x")

    everybody.gate.set()


async def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = BlockingCredentials()
    everybody.gate.set()
    monkeypatch.setattr(authentication, "MAX_CACHED", 10)
    ours = authenticator(everybody)

    for number in range(15):
        await ours.authenticate(Authentication.APP, b"Bearer %d" % number)

    assert len(ours._cache) == 10


async def test_address_of_many_wrong_keys_is_slowed_down() -> None:
    now = [0.0]
    wrong_keys = AuthThrottle(allowance=2, seconds=3600, monotonic=lambda: now[0])
    for _ in range(2):
        assert await wrong_keys.delay("192.0.2.1")

    delayed = [asyncio.create_task(wrong_keys.delay("192.0.2.1")) for _ in range(MAX_DELAYED)]
    await asyncio.sleep(0)

    assert not delayed[0].done()
    assert not await wrong_keys.delay("192.0.2.1")  # too many are delayed: the connection is closed instead
    assert await wrong_keys.delay("192.0.2.2")
    for each in delayed:
        each.cancel()
    now[0] += 61
    assert await wrong_keys.delay("192.0.2.1")


async def test_addresses_of_one_network_are_one() -> None:
    wrong_keys = AuthThrottle(allowance=1, seconds=0.0)
    for address in ("2001:db8::1", "fe80::1%eth0", "no:address", ""):
        assert await wrong_keys.delay(address)

    assert len(wrong_keys._counts) == 4
    assert await wrong_keys.delay("2001:db8::2")
    assert len(wrong_keys._counts) == 4


async def test_addresses_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_throttle, "MAX_ADDRESSES", 3)
    wrong_keys = AuthThrottle(allowance=1, seconds=0.0)

    for number in range(10):
        await wrong_keys.delay(f"192.0.2.{number}")

    assert len(wrong_keys._counts) == 3


def test_wrong_keys_are_held_back_and_right_ones_are_not() -> None:
    api = ThreadedServer(limits=Limits(wrong_keys=3, wrong_key_seconds=3600))
    workspace = api.open()
    with api.serving() as server:
        assert [put(server, basic("guess", "x")).status_code for _ in range(3)] == [401] * 3
        with (
            pytest.raises(httpx.ReadTimeout),
            server.client(basic("guess", "x"), timeout=httpx.Timeout(60, read=0.5)) as client,
        ):
            client.put(PERSON, json={})
        statuses = [put(server, {}).status_code, put(server, workspace.track).status_code]

    assert statuses == [401, 200]
