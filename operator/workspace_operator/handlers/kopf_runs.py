"""One run of Kopf, which ends even if a task of Kopf does not.

When a watch fails for good, Kopf stops all its tasks and waits for them. A watch that is about to request its resource
can swallow its cancellation and then wait for credentials, which nobody gives any more: Kopf never returns (1.45.2). So
the time that its end may take is limited here.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine

import kopf

logger = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""Time for Kopf to stop; it gives its own tasks 5 s before it cancels them."""

CANCEL_SECONDS = 1.0
PAUSE_WAITER = "pause-waiter"
"""How Kopf's names of tasks begin that belong to the request of a watch."""

Run = Callable[[kopf.OperatorRegistry, asyncio.Event], Coroutine[None, None, None]]
"""Runs Kopf with a registry until the event is set."""


async def run_kopf(run: Run, registry: kopf.OperatorRegistry, stop: asyncio.Event) -> None:
    """Run Kopf until ``stop`` is set; raises what Kopf raises.

    ``stop`` is also set when Kopf begins to stop by itself, and then Kopf either raises or is cancelled.
    """
    earlier = asyncio.all_tasks()

    @kopf.on.cleanup(registry=registry)
    async def on_cleanup(**_: object) -> None:
        stop.set()

    running = asyncio.create_task(run(registry, stop), name="Kopf")
    stopping = asyncio.create_task(stop.wait(), name="stop of Kopf")
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.wait({running}, timeout=STOP_SECONDS)
    if running.done():
        running.result()
        return
    logger.warning("Kopf did not stop within %g s; its tasks are cancelled", STOP_SECONDS)
    await _cancel({running})
    await _cancel(asyncio.all_tasks() - earlier)


async def _cancel(tasks: Collection[asyncio.Task[object]]) -> None:
    """Cancel tasks, but not what the request of a watch waits for: with that, the watch takes it for a pause."""
    chosen = {task for task in tasks if not task.get_name().startswith(PAUSE_WAITER)}
    for task in chosen:
        task.cancel()
    if chosen:
        await asyncio.wait(chosen, timeout=CANCEL_SECONDS)
