"""A proxy between an operator and its API server, with faults that a test switches on while requests pass."""

import asyncio
import json
import random
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any, Self

import aiohttp
import yarl
from aiohttp import web

from tests.controlplane.kubectl import Kubectl, write_private
from tests.controlplane.launcher import ControlPlane

HOP_BY_HOP = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "content-length"})
REFUSALS = (429, 500)
TLS_CLOSE_SECONDS = 0.25
"""A closed session of aiohttp ends its TLS connections in the background: its documentation says to wait."""


@dataclass(slots=True, kw_only=True)
class FaultyCluster:
    """Plain HTTP on loopback, passed on to the API server. Any thread may set the faults.

    Attributes:
        refused: the share of requests that are answered with 429 or 500.
    """

    control_plane: ControlPlane
    refused: float = 0.0
    url: str = ""
    refusals: int = 0
    _passes: asyncio.Event = field(default_factory=asyncio.Event)
    _chance: random.Random = field(default_factory=lambda: random.Random(7))
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: Thread = field(init=False)
    _runner: web.AppRunner = field(init=False)
    _session: aiohttp.ClientSession = field(init=False)

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._loop.run_forever, name="cluster proxy", daemon=True)
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *exception: object) -> None:
        self.refused = 0.0
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def account(self, account: Kubectl, folder: Path) -> Kubectl:
        """kubectl as the same user, through the proxy."""
        config = json.loads(account.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": self.url}
        kubeconfig = folder / "proxied-kubeconfig"
        write_private(kubeconfig, json.dumps(config))
        return replace(account, kubeconfig=kubeconfig)

    def cut(self) -> None:
        """Cut all connections, those of watches too."""
        self._run(self._cut())

    def begin_black_hole(self) -> None:
        """Let no byte pass in either direction; what is held back passes afterwards."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def end_black_hole(self) -> None:
        """Let everything pass again."""
        self._loop.call_soon_threadsafe(self._passes.set)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._passes.set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=ssl.create_default_context(cafile=self.control_plane.certificate)
            ),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _close(self) -> None:
        await self._cut()
        await self._runner.cleanup()
        await self._session.close()
        await asyncio.sleep(TLS_CLOSE_SECONDS)

    async def _cut(self) -> None:
        server = self._runner.server
        assert server is not None
        for connection in list(server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await self._passes.wait()
        if self._chance.random() < self.refused:
            self.refusals += 1
            return web.Response(status=self._chance.choice(REFUSALS), headers={"Retry-After": "1"})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = yarl.URL(f"{self.control_plane.url}{request.raw_path}", encoded=True)
        try:
            return await self._forward(request, url, headers)
        except aiohttp.ClientError:
            return web.Response(status=502)

    async def _forward(self, request: web.Request, url: yarl.URL, headers: dict[str, str]) -> web.StreamResponse:
        body = await request.read()
        async with self._session.request(request.method, url, headers=headers, data=body or None) as answer:
            passed = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=passed)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await self._passes.wait()
                await response.write(chunk)
            await response.write_eof()
            return response
