"""What resources are yet to tell of an identifier change: steps, and numbers that have moved."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from tests.fakes.workspaces import MemoryWorkspaces
from tests.store.scenes import Scene
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.store.tables import migration


def test_moved_change_is_unreported(scene: Scene) -> None:
    scene.request()
    assert scene.store.workspaces.unreported() == []

    scene.work()

    assert scene.store.workspaces.unreported() == [(scene.owner, scene.change)]


def test_reported_change_is_quiet(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)

    scene.store.workspaces.reported(scene.change)

    assert scene.store.workspaces.unreported() == []


def test_new_change_is_what_is_told_of(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)

    scene.request(Mode.ID_ONLY)

    assert scene.store.workspaces.unreported() == []


def test_old_report_does_not_hide_news(scene: Scene) -> None:
    before = scene.request()
    scene.work()
    scene.store.workspaces.reported(scene.change)

    scene.store.workspaces.reported(before)

    assert scene.store.workspaces.unreported() == []
    assert replace(scene.change, revision=0) != before


def test_moved_numbers_are_unreported(scene: Scene) -> None:
    scene.request()

    change = with_progress(scene)

    assert (change.people_checked, change.progress) == (5, 1)
    assert scene.store.workspaces.unreported() == [(scene.owner, change)]


def test_reported_numbers_are_quiet(scene: Scene) -> None:
    scene.request()

    scene.store.workspaces.reported(with_progress(scene))

    assert scene.store.workspaces.unreported() == []


def test_old_report_does_not_hide_numbers(scene: Scene) -> None:
    before = scene.request()
    change = with_progress(scene)

    scene.store.workspaces.reported(before)
    was_unreported = scene.store.workspaces.unreported()
    scene.store.workspaces.reported(change)
    scene.store.workspaces.reported(before)

    assert was_unreported == [(scene.owner, change)]
    assert scene.store.workspaces.unreported() == []


def test_numbers_of_an_earlier_change_are_past(scene: Scene) -> None:
    scene.request()
    with_progress(scene)
    scene.cancel()

    scene.request()

    assert scene.store.workspaces.unreported() == []


def with_progress(scene: Scene) -> Migration:
    """The change, after numbers of it have moved and are worth a look."""
    change, workspaces = scene.change, scene.store.workspaces
    moved: dict[str, Any] = {"people_checked": change.people_checked + 5, "progress": change.progress + 1}
    if scene.store.database is None:
        assert isinstance(workspaces, MemoryWorkspaces)
        kept = workspaces.memory.change(change.workspace_id, change.number)
        kept.migration = replace(change, **moved)
    else:
        statement = sa.update(migration).filter_by(workspace_id=change.workspace_id, number=change.number)
        scene.store.database.writing(lambda connection: connection.execute(statement.values(moved)).rowcount)
    return scene.change
