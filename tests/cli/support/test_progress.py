"""How an identifier change is shown while it gets on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from workspace_operator.cli.support.migration_progress import POLL_SECONDS, progress_line, time_left, watch_migration
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def migration(stage: Stage = Stage.PREPARING, **values: object) -> Migration:
    return Migration(
        workspace_id=7,
        number=2,
        from_mode=Mode.ID_ONLY,
        to_mode=Mode.EMAIL_OR_ID,
        stage=stage,
        requested_at=NOW,
        **values,  # type: ignore[arg-type]
    )


COMPLETED = migration(Stage.COMPLETED)


def looking(*changes: Migration | None) -> Callable[[], Migration | None]:
    """Sees these, one after the other."""
    left = iter(changes)
    return lambda: next(left)


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (migration(Stage.REQUESTED), "Requested"),
        (migration(people_total=100, people_checked=40), "Preparing: 40 of 100 people"),
        (
            migration(people_total=100, people_checked=40, estimated_completion=NOW + timedelta(seconds=65.4)),
            "Preparing: 40 of 100 people, 0:01:05 left",
        ),
        (
            migration(people_total=100, people_checked=99, estimated_completion=NOW - timedelta(seconds=5)),
            "Preparing: 99 of 100 people, 0:00:00 left",
        ),
        (migration(Stage.MERGING, people_total=9, people_to_merge=5, people_merged=2), "Merging: 2 of 5 people"),
        (
            migration(paused=True, people_total=100, people_checked=40, estimated_completion=NOW),
            "Preparing (paused): 40 of 100 people",
        ),
    ],
    ids=["waiting", "uncounted", "forecast", "overdue", "folding", "paused"],
)
def test_line_says_how_far_it_is(seen: Migration, line: str) -> None:
    assert progress_line(seen, NOW) == line


@pytest.mark.parametrize("stage", [Stage.BLOCKED, Stage.COMPLETED, Stage.CANCELLED])
def test_nothing_is_left_of_what_rests(stage: Stage) -> None:
    assert time_left(migration(stage, estimated_completion=NOW + timedelta(seconds=5)), NOW) == ""


def test_lines_are_reported_when_something_moves(capsys: pytest.CaptureFixture[str]) -> None:
    slept = list[float]()
    steps = (
        migration(people_total=10, people_checked=1),
        migration(people_total=10, people_checked=1, progress=1),
        migration(people_total=10, people_checked=2),
        COMPLETED,
    )

    ended = watch_migration(looking(*steps), lambda: NOW, slept.append)

    assert ended == COMPLETED
    assert slept == [POLL_SECONDS] * 3
    assert capsys.readouterr().err == "Preparing: 1 of 10 people\nPreparing: 2 of 10 people\n"


@pytest.mark.parametrize("last", [None, COMPLETED, migration(Stage.BLOCKED), migration(Stage.CANCELLED)])
def test_watching_ends_when_nothing_goes_on(last: Migration | None, capsys: pytest.CaptureFixture[str]) -> None:
    ended = watch_migration(looking(last), lambda: NOW)

    assert ended == last
    assert capsys.readouterr().err == ""


def test_next_migration_is_watched_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    ended = watch_migration(
        looking(migration(Stage.CHECKING), migration(Stage.REQUESTED), COMPLETED), lambda: NOW, lambda _: None
    )

    assert ended == COMPLETED
    assert capsys.readouterr().err == "Checking\nRequested\n"
