"""What takes long to parse holds up nobody: it is done in a thread, one body at a time."""

import asyncio
import threading

import httpx
import pytest

from tests.api.threaded_server import ThreadedServer
from workspace_operator.errors import InvalidInput
from workspace_operator.web.core.http import UNAUTHENTICATED, Request
from workspace_operator.web.core.json_body import INLINE_BYTES, RequestParser
from workspace_operator.web.track_api.v2 import MAX_OPERATIONS

SHORT = Request(path_params=("ann",), query={}, body=b"{}", caller=UNAUTHENTICATED, scope={}, headers={}, public_url="")
LONG = SHORT._replace(body=b" " * (INLINE_BYTES + 1))


@pytest.mark.parametrize(
    ("parsed", "is_beside"),
    [(SHORT, False), (LONG, True), (SHORT._replace(path_params=("a@b\xfccher.de",)), True)],
    ids=["short", "long body", "path in Unicode"],
)
def test_only_short_requests_are_parsed_on_the_event_loop(parsed: Request, is_beside: bool) -> None:
    def here() -> bool:
        return threading.current_thread() is not threading.main_thread()

    assert asyncio.run(RequestParser().run(parsed, here)) is is_beside


def test_error_of_a_long_body_is_raised() -> None:
    def parse(field: str) -> None:
        raise InvalidInput("no", field=field)

    with pytest.raises(InvalidInput, match="no"):
        asyncio.run(RequestParser().run(LONG, parse, field="x"))


def test_long_bodies_wait_for_each_other_and_short_ones_for_nobody() -> None:
    gate, entered = threading.Event(), threading.Event()
    begun: list[int] = []

    def parse(number: int) -> int:
        begun.append(number)
        entered.set()
        assert gate.wait(120)
        return number

    async def scenario() -> list[int]:
        parser = RequestParser()
        long = [asyncio.create_task(parser.run(LONG, parse, number)) for number in range(3)]
        await asyncio.to_thread(entered.wait, 10)
        short = await parser.run(SHORT, lambda: 7)
        told = [short, *begun]
        gate.set()
        return told + await asyncio.gather(*long)

    assert asyncio.run(scenario()) == [7, 0, 0, 1, 2]


def refused(response: httpx.Response) -> str:
    assert response.status_code == 400
    [error] = response.json()["errors"]
    return str(error["message"])


def test_batch_of_very_many_operations_is_refused_as_a_whole() -> None:
    api = ThreadedServer()
    workspace = api.open()
    with api.serving() as server, server.client(workspace.track, timeout=60) as client:
        too_many = client.post("/api/v2/batch", json={"batch": [1] * (MAX_OPERATIONS + 1)})
        most = client.post("/api/v2/batch", json={"batch": [1] * MAX_OPERATIONS})

    assert f"at most {MAX_OPERATIONS}" in refused(too_many)
    assert (most.status_code, len(most.json()["errors"])) == (207, MAX_OPERATIONS)
    assert most.headers["content-type"] == "application/json; charset=utf-8"
