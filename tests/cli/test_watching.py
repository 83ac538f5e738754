"""How an identifier change is shown while it gets on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from workspace_operator.cli.watching import POLL_SECONDS, line_of, time_left, watched
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import Stage

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def change(stage: Stage = Stage.PREPARING, **values: object) -> Migration:
    return Migration(
        workspace_id=7,
        number=2,
        from_mode=Mode.ID_ONLY,
        to_mode=Mode.EMAIL_OR_ID,
        stage=stage,
        requested_at=NOW,
        **values,  # type: ignore[arg-type]
    )


COMPLETED = change(Stage.COMPLETED)


def looking(*changes: Migration | None) -> Callable[[], Migration | None]:
    """Sees these, one after the other."""
    left = iter(changes)
    return lambda: next(left)


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (change(Stage.REQUESTED), "Requested"),
        (change(people_total=100, people_checked=40), "Preparing: 40 of 100 people"),
        (
            change(people_total=100, people_checked=40, estimated_completion=NOW + timedelta(seconds=65.4)),
            "Preparing: 40 of 100 people, 0:01:05 left",
        ),
        (
            change(people_total=100, people_checked=99, estimated_completion=NOW - timedelta(seconds=5)),
            "Preparing: 99 of 100 people, 0:00:00 left",
        ),
        (change(Stage.FOLDING, people_total=9, people_merged=5, people_folded=2), "Folding: 2 of 5 people"),
        (
            change(paused=True, people_total=100, people_checked=40, estimated_completion=NOW),
            "Preparing (paused): 40 of 100 people",
        ),
    ],
    ids=["waiting", "uncounted", "forecast", "overdue", "folding", "paused"],
)
def test_line_says_how_far_it_is(seen: Migration, line: str) -> None:
    assert line_of(seen, NOW) == line


@pytest.mark.parametrize("stage", [Stage.BLOCKED, Stage.COMPLETED, Stage.CANCELLED])
def test_nothing_is_left_of_what_rests(stage: Stage) -> None:
    assert time_left(change(stage, estimated_completion=NOW + timedelta(seconds=5)), NOW) == ""


def test_lines_are_told_when_something_moves(capsys: pytest.CaptureFixture[str]) -> None:
    slept = list[float]()
    steps = (
        change(people_total=10, people_checked=1),
        change(people_total=10, people_checked=1, progress=1),
        change(people_total=10, people_checked=2),
        COMPLETED,
    )

    ended = watched(looking(*steps), lambda: NOW, slept.append)

    assert ended == COMPLETED
    assert slept == [POLL_SECONDS] * 3
    assert capsys.readouterr().err == "Preparing: 1 of 10 people\nPreparing: 2 of 10 people\n"


@pytest.mark.parametrize("last", [None, COMPLETED, change(Stage.BLOCKED), change(Stage.CANCELLED)])
def test_watching_ends_when_nothing_goes_on(last: Migration | None, capsys: pytest.CaptureFixture[str]) -> None:
    ended = watched(looking(last), lambda: NOW)

    assert ended == last
    assert capsys.readouterr().err == ""


def test_next_change_is_watched_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    ended = watched(looking(change(Stage.CHECKING), change(Stage.REQUESTED), COMPLETED), lambda: NOW, lambda _: None)

    assert ended == COMPLETED
    assert capsys.readouterr().err == "Checking\nRequested\n"
