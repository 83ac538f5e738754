"""What an API process keeps of the calls that name people: bounded, and written now and then."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workspace_operator.application.cleanups.recent_calls import RecentCalls
from workspace_operator.errors import StoreUnavailable

NOW = 1_800_000_000


@dataclass(slots=True)
class Written:
    """Implements the port ``ListedCalls``: everybody is listed."""

    calls: dict[int, dict[str, datetime]] = field(default_factory=dict)
    is_away: bool = False
    recorded: threading.Event = field(default_factory=threading.Event)

    def record(self, workspace_id: int, calls: Mapping[str, datetime]) -> int:
        if self.is_away:
            raise StoreUnavailable("the database does not answer")
        self.calls.setdefault(workspace_id, {}).update(calls)
        self.recorded.set()
        return len(calls)

    async def wait(self) -> None:
        """Wait for the first call; it is recorded in another thread."""
        while not self.calls:
            await asyncio.to_thread(self.recorded.wait, 1)

    def recorded_since(self, workspace_id: int) -> datetime | None:
        raise AssertionError(workspace_id)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_people_of_each_workspace_are_written_once() -> None:
    written = Written()
    recent = RecentCalls(listed_calls=written)
    recent.add(1, ["a", "b"], NOW)
    recent.add(1, ["b"], NOW + 5)
    recent.add(2, ["a"], NOW)

    recent.write_all()
    first, written.calls = written.calls, {}
    recent.write_all()

    assert first == {1: {"a": at(NOW), "b": at(NOW + 5)}, 2: {"a": at(NOW)}}
    assert written.calls == {}


def test_number_of_people_is_bounded_over_all_workspaces() -> None:
    written = Written()
    recent = RecentCalls(listed_calls=written, capacity=3)
    recent.add(1, ["a", "b"], NOW)
    recent.add(2, ["c", "d"], NOW)
    recent.add(1, ["a", "e"], NOW + 1)

    recent.write_all()

    assert written.calls == {1: {"a": at(NOW + 1), "b": at(NOW)}, 2: {"c": at(NOW)}}


def test_what_the_store_did_not_take_is_written_later() -> None:
    written = Written(is_away=True)
    recent = RecentCalls(listed_calls=written, capacity=3)
    recent.add(1, ["a", "b"], NOW)
    recent.write_all()
    recent.add(1, ["b"], NOW + 1)

    written.is_away = False
    recent.write_all()

    assert written.calls == {1: {"a": at(NOW), "b": at(NOW + 1)}}


def test_calls_are_written_regularly_and_at_the_end() -> None:
    written = Written()
    recent = RecentCalls(listed_calls=written, interval=0.01)

    async def serve() -> bool:
        async with recent.run():
            recent.add(1, ["a"], NOW)
            await written.wait()
            recent.add(1, ["b"], NOW)
        return "b" in written.calls[1]

    assert asyncio.run(asyncio.wait_for(serve(), 30))


def test_calls_are_written_early_when_half_of_the_places_are_taken() -> None:
    written = Written()
    recent = RecentCalls(listed_calls=written, capacity=4, check_seconds=0.01)

    async def serve() -> Mapping[str, datetime]:
        async with recent.run():
            recent.add(1, ["a", "b"], NOW)
            await written.wait()
            return dict(written.calls[1])

    assert asyncio.run(asyncio.wait_for(serve(), 30)) == {"a": at(NOW), "b": at(NOW)}
