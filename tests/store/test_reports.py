"""What resources are yet to tell of an identifier change: steps, and numbers that have moved."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from tests.fakes.workspaces import MemoryWorkspaces
from tests.store.adapters import Store
from tests.store.scenes import Scene
from workspace_operator.application.ports import Lease
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import Stage
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


def test_numbers_are_worth_it_every_five_seconds(sql_scene: Scene) -> None:
    sql_scene.add_many({str(number): f"{number}@example.com" for number in range(12)})
    store = sql_scene.store
    change, lease = prepared(sql_scene)
    store.workspaces.reported(change)

    told = dict[int, int]()
    for second in range(1, 13):
        store.clock.forward(1)
        store.migrations.prepare_batch(change, lease, size=1, now=store.clock())
        for _, unreported in store.workspaces.unreported():
            told[second] = unreported.people_checked
            store.workspaces.reported(unreported)

    assert told == {5: 5, 10: 10}


def test_forecast_is_a_time(sql_scene: Scene) -> None:
    sql_scene.add_many({str(number): f"{number}@example.com" for number in range(20)})
    store, started = sql_scene.store, sql_scene.store.clock()
    change, lease = prepared(sql_scene)

    store.clock.forward(10)
    store.migrations.prepare_batch(change, lease, size=5, now=store.clock())

    assert change.estimated_completion is None
    assert sql_scene.change.estimated_completion == started + timedelta(seconds=40)


def test_newest_change_is_found(scene: Scene) -> None:
    migrations = scene.store.migrations
    before = migrations.newest(scene.workspace_id)
    scene.change_to(Mode.EMAIL_OR_ID)

    requested = scene.request(Mode.ID_ONLY)

    assert before is None
    assert requested.number == 2
    assert migrations.newest(scene.workspace_id) == requested
    assert migrations.newest(scene.workspace_id + 1000) is None


def test_unfinished_changes_are_listed_with_their_owners(store: Store) -> None:
    waiting, blocked, through = (Scene.create(store, Mode.ID_ONLY) for _ in range(3))
    blocked.add_many({"1": "same@example.com", "2": "same@example.com"})
    for scene in (blocked, through):
        scene.change_to(Mode.EMAIL_OR_ID)

    waiting.request()

    listed = store.migrations.unfinished()
    assert [(owner, each.stage) for owner, each in listed] == [
        (waiting.owner, Stage.REQUESTED),
        (blocked.owner, Stage.BLOCKED),
    ]
    assert [each for _, each in listed] == [waiting.change, blocked.change]


def prepared(scene: Scene) -> tuple[Migration, Lease]:
    """A change whose preparation begins now."""
    scene.request()
    change, lease = scene.claim()
    migrations, now = scene.store.migrations, scene.store.clock()
    people, _ = migrations.check(scene.workspace_id)
    change = migrations.start_checking(change, lease, now=now)
    return migrations.start_preparing(change, lease, people=people, now=now), lease
