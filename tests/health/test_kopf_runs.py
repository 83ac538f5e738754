"""One run of Kopf ends: as asked, with its error, or cancelled, even if a task of it swallows a cancellation."""

import asyncio
import logging

import kopf
import pytest

from workspace_operator.handlers import kopf_runs
from workspace_operator.handlers.kopf_runs import run_kopf


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kopf_runs, "STOP_SECONDS", 0.1)


async def until_stopped(_: kopf.OperatorRegistry, stop: asyncio.Event) -> None:
    await stop.wait()


async def failing(_: kopf.OperatorRegistry, __: asyncio.Event) -> None:
    raise kopf.PermanentError("the watch is gone")


async def clean_up(registry: kopf.OperatorRegistry) -> None:
    """Call what is registered for the end of a run, as Kopf does."""
    for handler in registry._activities._handlers:
        await handler.fn()  # type: ignore[call-arg,misc]


def run(runner: kopf_runs.Run, *, is_stopped: bool = False) -> set[str]:
    """Run it; returns the names of the tasks that are left."""

    async def main() -> set[str]:
        stop = asyncio.Event()
        if is_stopped:
            stop.set()
        await asyncio.wait_for(run_kopf(runner, kopf.OperatorRegistry(), stop), 5)
        return {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}

    return asyncio.run(main())


def test_run_ends_when_it_is_stopped() -> None:
    assert run(until_stopped, is_stopped=True) == set()


def test_run_raises_what_kopf_raises() -> None:
    with pytest.raises(kopf.PermanentError, match="the watch is gone"):
        run(failing)


def test_run_that_hangs_after_its_end_began_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    async def watch() -> None:
        """Kopf's: it takes its cancellation for a pause if what it waits for is cancelled, too."""
        while True:
            waiter = asyncio.create_task(asyncio.Event().wait(), name="pause-waiter for workspaces")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not waiter.done():
                    waiter.cancel()
                    raise

    async def hanging(registry: kopf.OperatorRegistry, _: asyncio.Event) -> None:
        watching = asyncio.create_task(watch(), name="watcher")
        await clean_up(registry)
        await asyncio.shield(watching)

    with caplog.at_level(logging.WARNING):
        left = run(hanging)

    assert left == set()
    assert "Kopf did not stop within" in caplog.text
