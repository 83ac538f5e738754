"""Callers with a key, a few calls at a time: how long each call takes. Run as a program.

    python -m tests.benchmarks.regular_clients HOST PORT AUTHORIZATION SECONDS

It prints ``{"calls": …, "statuses": {…}, "p50": …, "p99": …, "longest": …}``, in milliseconds.
"""

import asyncio
import json
import sys
import time
from collections import Counter

import uvloop

CALLERS = 4
PAUSE_SECONDS = 0.01


async def call(
    host: str, port: int, authorization: str, end: float, times: list[float], statuses: "Counter[str]"
) -> None:
    """One caller: the next call a moment after the answer to the last one."""
    reader, writer = await asyncio.open_connection(host, port)
    number = 0
    while time.monotonic() < end:
        number += 1
        body = b'{"plan": "gold", "number": %d}' % number
        head = (
            f"PUT /api/v1/customers/lawful-{number % 500} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {authorization}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        started = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - started)
        statuses[answer[9:12].decode()] += 1
        await asyncio.sleep(PAUSE_SECONDS)
    writer.close()


async def measured(host: str, port: int, authorization: str, seconds: float) -> dict[str, object]:
    """What all callers together saw."""
    times: list[float] = []
    statuses: Counter[str] = Counter()
    end = time.monotonic() + seconds
    await asyncio.gather(*(call(host, port, authorization, end, times, statuses) for _ in range(CALLERS)))
    times.sort()
    return {
        "calls": len(times),
        "statuses": dict(statuses),
        "p50": 1000 * times[len(times) // 2],
        "p99": 1000 * times[len(times) * 99 // 100],
        "longest": 1000 * times[-1],
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measured(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))))
