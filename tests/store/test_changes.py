"""The contract of the port Migrations: an identifier change from its request to its end."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.store.adapters import Store
from tests.store.interruptions import BATCH, peopled
from tests.store.invariants import assert_sound
from tests.store.scenes import Scene, begun, prepare, prepare_some, settle, switch
from workspace_operator.application.ports import Lease
from workspace_operator.errors import Moved
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


def preparing(store: Store, people: int = 3) -> tuple[Scene, Lease]:
    """A change whose worker has just begun to prepare."""
    scene = peopled(store, Mode.ID_ONLY, people)
    scene.request()
    return scene, begun(scene)


def test_writers_go_on_while_preparing(store: Store) -> None:
    scene, _ = preparing(store)

    assert scene.say(id="1", body={"plan": "pro"}).effect is Effect.UPDATED
    assert scene.delete(id="2")
    assert scene.suppress(email="blocked@example.com")
    assert scene.unsuppress(email="blocked@example.com")
    assert scene.say(id="new", body={"email": "new@example.com"}).effect is Effect.CREATED
    assert (scene.stage, scene.mode) == (Stage.PREPARING, Mode.ID_ONLY)


def test_old_rules_hold_until_the_switch(store: Store) -> None:
    scene, lease = preparing(store)
    prepare(scene, lease)

    outcome = scene.say(id="new", body={"email": "1@example.com"})

    assert (outcome.effect, outcome.refusals) == (Effect.CREATED, ())
    assert len(store.people.having_email(scene.workspace_id, "1@example.com", limit=5)) == 2


def test_new_rules_hold_from_the_switch(store: Store) -> None:
    scene, lease = preparing(store)
    prepare(scene, lease)

    switch(scene, lease)

    assert (scene.stage, scene.mode) == (Stage.SWITCHED, Mode.EMAIL_OR_ID)
    assert scene.say(email="1@example.com", body={"plan": "pro"}).effect is Effect.UPDATED
    assert scene.say(id="new", body={"email": "1@example.com"}).refusals


WRITES: dict[str, Callable[[Scene], object]] = {
    "created": lambda scene: scene.add("new", "new@example.com"),
    "email set": lambda scene: scene.say(id="bare", body={"email": "set@example.com"}),
    "email changed": lambda scene: scene.say(id="1", body={"email": "changed@example.com"}),
    "emails swapped": lambda scene: scene.identify(
        scene.call(id="0", body={"email": "1@example.com"}), scene.call(id="1", body={"email": "0@example.com"})
    ),
    "email removed": lambda scene: scene.say(id="1", body={"email": ""}),
    "deleted": lambda scene: scene.delete(id="1"),
    "deleted and made anew": lambda scene: (scene.delete(id="1"), scene.add("again", "1@example.com")),
    "shared and mended": lambda scene: (scene.add("twin", "1@example.com"), scene.delete(id="1")),
    "suppressed and freed": lambda scene: (
        scene.suppress(email="1@example.com"),
        scene.unsuppress(email="1@example.com"),
    ),
    "suppressed with their address": lambda scene: scene.suppress(id="1"),
    "invalid and mended": lambda scene: (
        scene.say(id="1", body={"email": "no address"}),
        scene.say(id="1", body={"email": "mended@example.com"}),
    ),
}
MOMENTS = ("before any batch", "after a batch", "after all batches", "after settling")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_meanwhile_counts(store: Store, write: str, moment: str) -> None:
    scene = peopled(store, Mode.ID_ONLY, 4)
    scene.add("bare")
    scene.request()
    lease = begun(scene)
    done = False
    for each in MOMENTS:
        if each == moment:
            WRITES[write](scene)
        if not done and each == "before any batch":
            done = prepare_some(scene, lease)
        elif each == "after a batch":
            prepare(scene, lease)
        elif each == "after all batches":
            settle(scene, lease)

    switch(scene, lease)

    assert scene.mode is Mode.EMAIL_OR_ID
    scene.finish(lease)
    if store.database is not None:
        assert_sound(store.database)


VIOLATIONS: dict[str, Callable[[Scene], object]] = {
    "duplicate": lambda scene: scene.add("twin", "1@example.com"),
    "invalid": lambda scene: scene.say(id="1", body={"email": "no address"}),
    "suppressed": lambda scene: scene.suppress(email="1@example.com"),
    "id is another email": lambda scene: scene.add("somebody@example.com"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("violation", VIOLATIONS)
def test_violation_that_appears_meanwhile_stops_the_switch(store: Store, violation: str, moment: str) -> None:
    scene, lease = preparing(store, people=4)
    if moment == MOMENTS[0]:
        VIOLATIONS[violation](scene)
    prepare_some(scene, lease)
    if moment == MOMENTS[1]:
        VIOLATIONS[violation](scene)
    prepare(scene, lease)
    if moment == MOMENTS[2]:
        VIOLATIONS[violation](scene)
    settle(scene, lease)
    if moment == MOMENTS[3]:
        VIOLATIONS[violation](scene)

    switch(scene, lease)

    assert (scene.stage, scene.mode) == (Stage.PREPARING, Mode.ID_ONLY)
    scene.release(lease)
    scene.work()
    assert scene.stage is Stage.BLOCKED
    assert scene.change.violations.people_concerned == (2 if violation == "duplicate" else 1)


def test_switch_is_tried_again_with_who_came_meanwhile(store: Store) -> None:
    scene, lease = preparing(store)
    prepare(scene, lease)
    settle(scene, lease)
    scene.add("bad", "no address")
    switch(scene, lease)
    scene.add("last", "zzz@example.com")
    settle(scene, lease)
    scene.delete(id="bad")

    scene.finish(lease)

    assert (scene.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    if store.database is not None:
        assert_sound(store.database)


def test_violation_before_the_preparation_blocks(scene: Scene) -> None:
    scene.request()
    migrations, now = scene.store.migrations, scene.store.clock()
    change, lease = scene.claim()
    change = migrations.start_checking(change, lease, now=now)
    people, _ = migrations.check(scene.workspace_id)
    scene.add("late", "no address")
    change = migrations.start_preparing(change, lease, people=people, now=now)
    scene.release(lease)

    scene.work()

    assert scene.stage is Stage.BLOCKED
    assert scene.say(id="late", body={"email": None}).effect is Effect.UPDATED


def test_pause_keeps_what_is_prepared(store: Store) -> None:
    scene, lease = preparing(store, people=5)
    prepare_some(scene, lease)
    checked = scene.change.people_checked

    scene.pause()
    scene.say(id="1", body={"email": "paused@example.com"})
    assert scene.work() is False
    scene.resume()

    assert (scene.stage, scene.change.people_checked) == (Stage.PREPARING, checked)
    assert scene.work() is True
    assert scene.stage is Stage.COMPLETED
    if store.database is not None:
        assert_sound(store.database)


def test_change_taken_back_while_preparing_leaves_no_trace(store: Store) -> None:
    scene, lease = preparing(store, people=5)
    prepare_some(scene, lease)

    scene.cancel()
    scene.say(id="1", body={"email": "2@example.com"})
    while scene.work():
        pass

    assert (scene.stage, scene.mode) == (Stage.CANCELLED, Mode.ID_ONLY)
    if store.database is not None:
        assert_sound(store.database)


def test_people_are_counted_when_email_is_disabled(store: Store) -> None:
    scene = Scene.create(store, Mode.EMAIL_OR_ID)
    scene.say(email="ann@example.com")
    scene.add("1", "ben@example.com")

    change = scene.change_to(Mode.ID_ONLY)

    assert (change.people_total, change.people_without_id, change.people_without_identifier) == (2, 1, 1)


def test_people_without_any_identifier_are_counted_on_the_way_back(store: Store) -> None:
    scene = Scene.create(store, Mode.EMAIL_OR_ID)
    outcome = scene.say(email="ann@example.com")
    assert outcome.person is not None
    scene.say(email="ben@example.com")
    scene.change_to(Mode.ID_ONLY)
    scene.say(cio_id=outcome.person.cio_id, body={"email": ""})

    change = scene.change_to(Mode.EMAIL_OR_ID)

    assert (change.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    assert (change.people_without_id, change.people_without_identifier) == (2, 1)


def test_progress_is_worth_telling_every_few_seconds(sql: Store) -> None:
    scene, lease = preparing(sql, people=8)
    before = scene.change
    for _ in range(3):
        sql.clock.forward(2)
        prepare_some(scene, lease)

    after = scene.change

    assert after.people_checked == 3 * BATCH
    assert (after.progress, after.revision) == (before.progress + 1, before.revision)
    assert after.estimated_completion == sql.clock() + timedelta(seconds=2)
