"""The contract of the port Migrations: an identifier change from its request to its end."""

import pytest

from tests.store.adapters import Store
from tests.store.interruptions import BATCH, peopled
from tests.store.invariants import assert_sound
from tests.store.scenes import Scene
from workspace_operator.application.ports import Lease
from workspace_operator.errors import Moved, WritersHeld
from workspace_operator.identity.outcomes import Effect
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.plan import RequestMigration

ALLOWED = [
    (Mode.ID_ONLY, Mode.EMAIL_OR_ID),
    (Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID),
    (Mode.EMAIL_OR_ID, Mode.ID_ONLY),
]


@pytest.mark.parametrize(("before", "after"), ALLOWED)
@pytest.mark.parametrize("people", [0, 1, BATCH, BATCH * 2 + 1])
def test_clean_change_completes(store: Store, before: Mode, after: Mode, people: int) -> None:
    scene = peopled(store, before, people)
    requested = scene.request(after)

    scene.worker(batch=BATCH).work_once()

    assert requested.stage is Stage.REQUESTED
    assert (scene.stage, scene.mode) == (Stage.COMPLETED, after)
    assert scene.change.started_at == scene.change.completed_at == store.clock()
    assert scene.change.people_total == people
    assert scene.change.revision > requested.revision
    if store.database is not None:
        assert_sound(store.database)


def test_addresses_find_people_once_enabled(scene: Scene) -> None:
    cio_id = scene.add("1", " Ann@Example.com")

    scene.change_to(Mode.EMAIL_OR_ID)

    found = scene.find(email="ann@example.com")
    assert found is not None
    assert found.cio_id == cio_id
    assert scene.say(id="2", body={"email": "ANN@example.com"}).refusals


def test_addresses_are_plain_once_disabled(store: Store) -> None:
    scene = peopled(store, Mode.EMAIL_OR_ID, 1)

    scene.change_to(Mode.ID_ONLY)

    outcome = scene.say(id="other", body={"email": "0@example.com"})
    assert outcome.refusals == ()
    assert scene.find(id="0") is not None


def test_people_without_id_stay_when_email_is_disabled(store: Store) -> None:
    scene = Scene.create(store, Mode.EMAIL_OR_ID)
    outcome = scene.say(email="ann@example.com")
    assert outcome.person is not None

    scene.change_to(Mode.ID_ONLY)

    found = scene.find(cio_id=outcome.person.cio_id)
    assert found == outcome.person
    assert scene.say(cio_id=outcome.person.cio_id, body={"id": "1"}).effect is Effect.UPDATED


def test_generated_ids_stay_when_ids_are_enabled(store: Store) -> None:
    scene = peopled(store, Mode.EMAIL_ONLY, 1)
    before = scene.find(email="0@example.com")
    assert before is not None
    assert before.id is not None

    scene.change_to(Mode.EMAIL_OR_ID)

    assert scene.find(id=before.id) == before
    assert scene.find(email="0@example.com") == before
    made = scene.say(email="new@example.com").person
    assert made is not None
    assert made.id is None


def test_change_there_and_back_is_clean(store: Store) -> None:
    scene = peopled(store, Mode.ID_ONLY, 3)

    for mode in (Mode.EMAIL_OR_ID, Mode.ID_ONLY, Mode.EMAIL_OR_ID):
        change = scene.change_to(mode)
        assert (change.stage, scene.mode) == (Stage.COMPLETED, mode)

    assert scene.change.number == 3


def test_second_request_is_refused(scene: Scene) -> None:
    scene.request()

    with pytest.raises(Moved):
        scene.request()


def test_request_from_another_mode_is_refused(scene: Scene) -> None:
    action = RequestMigration(
        workspace_id=scene.workspace_id,
        from_mode=Mode.EMAIL_OR_ID,
        to_mode=Mode.ID_ONLY,
        on_conflict=scene.request().on_conflict,
    )
    scene.cancel()

    with pytest.raises(Moved):
        scene.store.workspaces.carry_out(action, now=scene.store.clock())


def test_requests_about_ended_changes_are_refused(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)

    for ask in (scene.pause, scene.resume, scene.cancel, lambda: scene.retry("x")):
        with pytest.raises(Moved):
            ask()


def test_nothing_is_due_without_a_request(scene: Scene) -> None:
    assert scene.work() is False


def test_changes_are_taken_by_turns(store: Store) -> None:
    first, second = peopled(store, Mode.ID_ONLY, 1), peopled(store, Mode.ID_ONLY, 1)
    first.request()
    store.clock.forward(1)
    second.request()

    assert first.work() is True
    assert (first.stage, second.stage) == (Stage.COMPLETED, Stage.REQUESTED)
    assert first.work() is True
    assert second.stage is Stage.COMPLETED
    assert first.work() is False


def holding(store: Store) -> tuple[Scene, Lease]:
    """A change whose worker has just begun to hold the writers."""
    scene = peopled(store, Mode.ID_ONLY, 3)
    scene.request()
    migrations, now = store.migrations, store.clock()
    change, lease = scene.claim()
    change = migrations.start_checking(change, lease, now=now)
    people, _ = migrations.check(scene.workspace_id)
    migrations.hold(change, lease, people=people, now=now)
    return scene, lease


def test_writers_are_held_while_preparing(store: Store) -> None:
    scene, _ = holding(store)

    for write in (
        lambda: scene.say(id="1", body={"plan": "pro"}),
        lambda: scene.delete(id="1"),
        lambda: scene.suppress(id="1"),
        lambda: scene.unsuppress(id="1"),
    ):
        with pytest.raises(WritersHeld):
            write()

    assert scene.stage is Stage.PREPARING
    assert scene.find(id="1") is not None


def test_other_workspaces_are_not_held(store: Store) -> None:
    holding(store)
    other = peopled(store, Mode.ID_ONLY, 1)

    assert other.say(id="new").effect is Effect.CREATED


def test_writers_go_on_after_the_switch(store: Store) -> None:
    scene, lease = holding(store)
    migrations, now = store.migrations, store.clock()
    while not migrations.prepare_batch(scene.change, lease, size=BATCH, now=now):
        pass

    migrations.switch(scene.change, lease, now=now)

    assert (scene.stage, scene.mode) == (Stage.SWITCHED, Mode.EMAIL_OR_ID)
    assert scene.say(email="1@example.com", body={"plan": "pro"}).effect is Effect.UPDATED


def test_violation_under_the_hold_blocks(scene: Scene) -> None:
    scene.request()
    migrations, now = scene.store.migrations, scene.store.clock()
    change, lease = scene.claim()
    change = migrations.start_checking(change, lease, now=now)
    people, _ = migrations.check(scene.workspace_id)
    scene.add("late", "no address")
    change = migrations.hold(change, lease, people=people, now=now)
    migrations.release(change, lease, due_at=scene.store.clock())

    scene.work()

    assert scene.stage is Stage.BLOCKED
    assert scene.say(id="late", body={"email": None}).effect is Effect.UPDATED
