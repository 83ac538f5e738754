"""The age of the watches: answers keep them young, failures and silence are seen."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.network_ports import free_port
from workspace_operator.handlers.watch_age import STALE_AFTER, WatchAge
from workspace_operator.resources.schema import ACCOUNT

ALL = "/apis/workspace-operator.dev/v1alpha1/workspaces"
ACCOUNTS = "/apis/workspace-operator.dev/v1alpha1/accounts"
ONE = "/apis/workspace-operator.dev/v1alpha1/namespaces/team-a/workspaces"
ACCOUNTS = "/apis/workspace-operator.dev/v1alpha1/accounts"
OTHER = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def age(clock: Clock) -> WatchAge:
    return WatchAge(clock)


def test_watch_that_never_began_is_not_alive(age: WatchAge, clock: Clock) -> None:
    clock.now += 5

    assert (age.is_alive(), age.seconds()) == (False, 5)


def test_answers_keep_it_young(age: WatchAge, clock: Clock) -> None:
    age.answered(ALL)
    clock.now += 30

    assert (age.is_alive(), age.seconds()) == (True, 30)


def test_silence_is_seen(age: WatchAge, clock: Clock) -> None:
    age.answered(ALL)
    clock.now += STALE_AFTER + 1

    assert not age.is_alive()


def test_oldest_namespace_counts(age: WatchAge, clock: Clock) -> None:
    age.answered(ONE)
    clock.now += 20
    age.answered(ONE.replace("team-a", "team-b"))

    assert age.seconds() == 20


def test_watch_of_accounts_has_its_own_age(age: WatchAge, clock: Clock) -> None:
    age.answered(ALL)
    clock.now += 30
    age.answered(ACCOUNTS)

    assert (age.seconds(), age.seconds(ACCOUNT)) == (30, 0)


def test_readiness_does_not_depend_on_accounts(age: WatchAge, clock: Clock) -> None:
    age.failed(ACCOUNTS)
    clock.now += STALE_AFTER + 1
    age.answered(ALL)

    assert (age.is_alive(), age.seconds(ACCOUNT)) == (True, STALE_AFTER + 1)


def test_failure_is_seen_at_once_and_ends_with_an_answer(age: WatchAge) -> None:
    age.answered(ALL)
    age.failed(ALL)
    failed = age.is_alive()
    age.answered(ALL)

    assert (failed, age.is_alive()) == (False, True)


def test_metric_is_in_prometheus_form(age: WatchAge, clock: Clock) -> None:
    clock.now += 1.5
    age.answered(ALL)

    assert age.text().decode().splitlines()[-3:] == [
        "# TYPE workspace_operator_watch_age_seconds gauge",
        'workspace_operator_watch_age_seconds{kind="Workspace"} 0.0',
        'workspace_operator_watch_age_seconds{kind="Account"} 1.5',
    ]


@pytest.mark.parametrize(
    ("path", "status", "alive"),
    [(ALL, 200, True), (ONE, 200, True), (ALL, 410, True), (ALL, 404, False), (ALL, 429, False), (OTHER, 200, False)],
)
@pytest.mark.anyio
async def test_session_notes_answers(age: WatchAge, path: str, status: int, alive: bool) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    application = web.Application()
    application.router.add_get(path, answer)
    async with TestServer(application) as server, aiohttp.ClientSession(trace_configs=[age.tracing()]) as session:
        await session.get(server.make_url(path))

    assert age.is_alive() is alive


@pytest.mark.parametrize("path", [ALL, OTHER])
@pytest.mark.anyio
async def test_session_notes_connections_that_fail(age: WatchAge, path: str) -> None:
    for watched in (ALL, ONE):
        age.answered(watched)

    async with aiohttp.ClientSession(trace_configs=[age.tracing()]) as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"http://127.0.0.1:{free_port()}{path}")

    assert age.is_alive() is (path == OTHER)


def test_watch_that_makes_no_requests_has_ended(age: WatchAge, clock: Clock) -> None:
    age.answered(ALL)
    age.answered(ACCOUNTS)
    clock.now += STALE_AFTER - 1
    age.answered(ACCOUNTS)
    clock.now += 2

    assert age.ended() == ["workspaces"]


def test_watch_whose_requests_fail_goes_on(age: WatchAge, clock: Clock) -> None:
    age.answered(ACCOUNTS)
    clock.now += STALE_AFTER + 1
    age.failed(ALL)
    age.failed(ACCOUNTS)

    assert (age.is_alive(), age.ended()) == (False, [])


def test_watch_that_ended_in_one_namespace_is_noticed(age: WatchAge, clock: Clock) -> None:
    age.answered(ONE)
    clock.now += STALE_AFTER + 1
    age.answered(ONE.replace("team-a", "team-b"))
    age.answered(ACCOUNTS)

    assert age.ended() == ["workspaces"]


def test_watch_that_never_began_has_ended_after_a_while(age: WatchAge, clock: Clock) -> None:
    at_first = age.ended()
    clock.now += STALE_AFTER + 1

    assert (at_first, age.ended()) == ([], ["workspaces", "accounts"])


def test_restarted_watch_gets_time_for_its_requests(age: WatchAge, clock: Clock) -> None:
    age.answered(ALL)
    clock.now += STALE_AFTER + 1
    age.restarted()
    restarted = age.ended()
    clock.now += STALE_AFTER + 1

    assert (restarted, age.ended()) == ([], ["workspaces", "accounts"])
    assert age.seconds() == 2 * (STALE_AFTER + 1)
