"""The contract of the port Migrations: blocked changes, what mends them, and their exports."""

from collections.abc import Callable

import pytest

from tests.store.scenes import Scene
from workspace_operator.errors import NotFound
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.stages import Stage

MENDS: dict[str, Callable[[Scene], object]] = {
    "duplicate deleted": lambda scene: scene.delete(id="twin"),
    "duplicate changed": lambda scene: scene.say(id="twin", body={"email": "other@example.com"}),
    "duplicate's email removed": lambda scene: scene.say(id="twin", body={"email": ""}),
    "oldest deleted": lambda scene: scene.delete(id="ann"),
    "duplicate suppressed by cio_id": lambda scene: scene.suppress(id="twin"),
}


@pytest.fixture
def blocked(scene: Scene) -> Scene:
    """A change that two people with one address block."""
    scene.add("ann", "ann@example.com")
    scene.add("twin", "Ann@example.com")
    scene.add("other", "fine@example.com")
    scene.change_to(Mode.EMAIL_OR_ID)
    return scene


def look_after(scene: Scene, seconds: float) -> bool:
    """Whether a worker finds the change due after that time."""
    scene.store.clock.forward(seconds)
    return scene.work()


def test_blocked_change_rests(blocked: Scene) -> None:
    assert blocked.stage is Stage.BLOCKED
    assert look_after(blocked, 3600) is False


def test_old_rules_stay_in_force_while_blocked(blocked: Scene) -> None:
    blocked.add("new", "ann@example.com")

    assert blocked.mode is Mode.ID_ONLY
    assert blocked.find(id="new") is not None


@pytest.mark.parametrize("mend", MENDS)
def test_mended_change_goes_through(blocked: Scene, mend: str) -> None:
    MENDS[mend](blocked)

    worked = look_after(blocked, 5)

    if mend == "duplicate suppressed by cio_id":
        assert blocked.stage is Stage.BLOCKED  # the address is blocked now, and the other one still has it
        return
    assert worked
    assert (blocked.stage, blocked.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)


@pytest.mark.parametrize(
    ("email", "mend"),
    [
        ("no address", lambda scene: scene.say(id="1", body={"email": "1@example.com"})),
        ("no address", lambda scene: scene.say(id="1", body={"email": None})),
        ("no address", lambda scene: scene.delete(id="1")),
        ("blocked@example.com", lambda scene: scene.say(id="1", body={"email": "1@example.com"})),
        ("blocked@example.com", lambda scene: scene.unsuppress(email="blocked@example.com")),
        ("blocked@example.com", lambda scene: scene.delete(id="1")),
    ],
)
def test_other_violations_are_mended(scene: Scene, email: str, mend: Callable[[Scene], object]) -> None:
    scene.suppress(email="blocked@example.com")
    scene.add("1", email)
    scene.change_to(Mode.EMAIL_OR_ID)
    mend(scene)

    look_after(scene, 5)

    assert scene.stage is Stage.COMPLETED


@pytest.mark.parametrize("body", [{"email": "X@example.com"}, None])
def test_id_that_is_another_email_is_mended(scene: Scene, body: dict[str, object] | None) -> None:
    scene.add("x@example.com")
    scene.change_to(Mode.EMAIL_OR_ID)
    if body:
        scene.say(id="x@example.com", body=body)
    else:
        scene.delete(id="x@example.com")

    look_after(scene, 5)

    assert scene.stage is Stage.COMPLETED


def test_mending_is_given_time_to_settle(blocked: Scene) -> None:
    blocked.delete(id="twin")

    assert look_after(blocked, 4) is False
    assert look_after(blocked, 1) is True


def test_half_mended_change_stays_blocked(blocked: Scene) -> None:
    blocked.add("third", "no address")
    first = blocked.change
    blocked.delete(id="twin")

    assert look_after(blocked, 5) is True

    assert blocked.stage is Stage.BLOCKED
    assert blocked.change.number == first.number
    assert blocked.change.violations.duplicate_email == 0
    assert blocked.change.violations.invalid_email == 1
    assert [row.id for row in blocked.violations()] == ["third"]


def test_second_look_is_mended_too(blocked: Scene) -> None:
    blocked.add("third", "no address")
    blocked.delete(id="twin")
    look_after(blocked, 5)
    blocked.delete(id="third")

    look_after(blocked, 5)

    assert blocked.stage is Stage.COMPLETED


@pytest.mark.parametrize(
    "write",
    [
        lambda scene: scene.say(id="other", body={"email": "new@example.com"}),
        lambda scene: scene.delete(id="other"),
        lambda scene: scene.add("another", "another@example.com"),
        lambda scene: scene.suppress(email="fine@example.com"),
        lambda scene: scene.say(id="ann"),
    ],
)
def test_what_mends_nothing_wakes_nobody(blocked: Scene, write: Callable[[Scene], object]) -> None:
    write(blocked)

    assert look_after(blocked, 60) is False


def test_unsuppressing_wakes_a_blocked_change(blocked: Scene) -> None:
    blocked.suppress(email="somebody@example.com")
    blocked.unsuppress(email="somebody@example.com")

    assert look_after(blocked, 5) is True


def test_later_sharer_is_found_at_the_next_look(blocked: Scene) -> None:
    blocked.add("late", "ann@example.com")
    blocked.delete(id="twin")

    look_after(blocked, 5)

    assert blocked.stage is Stage.BLOCKED
    assert [row.id for row in blocked.violations()] == ["ann", "late"]


def test_blocked_change_is_tried_again_on_request(blocked: Scene) -> None:
    blocked.retry("token")

    assert blocked.change.retry_token == "token"
    assert blocked.work() is True
    assert blocked.stage is Stage.BLOCKED
    assert blocked.work() is False


def test_blocked_stays_blocked_while_looking_again(blocked: Scene) -> None:
    blocked.retry("token")
    change, lease = blocked.claim()

    assert change.stage is Stage.BLOCKED
    counted = blocked.store.migrations.check(blocked.workspace_id)[0]
    again = blocked.store.migrations.block(change, lease, people=counted, now=blocked.store.clock())

    assert again.stage is Stage.BLOCKED


def test_last_mend_between_count_and_block_is_seen(blocked: Scene) -> None:
    blocked.retry("token")
    change, lease = blocked.claim()
    counted = blocked.store.migrations.check(blocked.workspace_id)[0]
    blocked.delete(id="twin")

    moved = blocked.store.migrations.block(change, lease, people=counted, now=blocked.store.clock())

    assert moved.stage is Stage.CHECKING
    blocked.store.migrations.release(moved, lease, due_at=blocked.store.clock())
    blocked.work()
    assert blocked.stage is Stage.COMPLETED


def test_mended_while_paused_goes_on_when_resumed(blocked: Scene) -> None:
    blocked.pause()
    blocked.delete(id="twin")
    assert look_after(blocked, 60) is False

    blocked.resume()

    assert blocked.work() is True
    assert blocked.stage is Stage.COMPLETED


def test_blocked_change_is_cancelled(blocked: Scene) -> None:
    blocked.cancel()

    assert (blocked.stage, blocked.mode) == (Stage.CANCELLED, Mode.ID_ONLY)
    blocked.delete(id="twin")
    assert look_after(blocked, 60) is False


def test_completed_change_has_no_violations(blocked: Scene) -> None:
    blocked.delete(id="twin")
    look_after(blocked, 5)

    assert blocked.change.violations.people_concerned == 0
    assert blocked.change.export is None


def test_exports_are_listed_newest_first(blocked: Scene) -> None:
    blocked.retry("again")
    blocked.store.clock.forward(10)
    blocked.work()

    exports = blocked.store.exports.exports(blocked.workspace_id)

    assert [each.number for each in exports] == [2, 1]
    assert (exports[0].created_at, exports[0].total) == (blocked.store.clock(), 2)
    assert exports[0].migration_number == blocked.change.number
    assert exports[0].description == "people who stand in the way of IDOnly to EmailOrID"
    assert blocked.change.export == 2


def test_newest_three_exports_are_kept(blocked: Scene) -> None:
    for token in "abcd":
        blocked.retry(token)
        blocked.work()

    numbers = [each.number for each in blocked.store.exports.exports(blocked.workspace_id)]

    assert numbers == [5, 4, 3]
    assert [row.id for row in blocked.violations(3)] == ["ann", "twin"]
    with pytest.raises(NotFound):
        blocked.violations(2)


def test_unknown_export_is_not_found(blocked: Scene) -> None:
    with pytest.raises(NotFound):
        blocked.violations(99)
    with pytest.raises(NotFound):
        list(blocked.store.exports.violations(10**12, 1))


@pytest.mark.parametrize("leave", [lambda scene: scene.delete(id="twin"), lambda scene: scene.suppress(id="twin")])
def test_departed_person_leaves_every_export(blocked: Scene, leave: Callable[[Scene], object]) -> None:
    blocked.retry("again")
    blocked.work()

    leave(blocked)

    for number in (1, 2):
        assert [row.id for row in blocked.violations(number)] == ["ann"]


def test_export_keeps_what_it_said(blocked: Scene) -> None:
    blocked.say(id="twin", body={"email": "new@example.com"})

    assert [row.email for row in blocked.violations()] == ["ann@example.com", "Ann@example.com"]


def test_rows_carry_the_values_that_are_asked_for(blocked: Scene) -> None:
    blocked.say(id="twin", body={"name": "Tim", "visits": 3})

    rows = list(blocked.store.exports.violations(blocked.workspace_id, 1, attributes=["visits", "name"]))

    assert [(row.id, row.values) for row in rows] == [("ann", (None, None)), ("twin", (3, "Tim"))]


def test_first_rows_of_an_export_are_read(blocked: Scene) -> None:
    rows = list(blocked.store.exports.violations(blocked.workspace_id, 1, limit=1))

    assert [row.id for row in rows] == ["ann"]
