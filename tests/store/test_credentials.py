"""The contract of the port Credentials: one newest set a workspace, and grace for those before it."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import sqlalchemy as sa

from tests.store.adapters import Store
from tests.store.scenes import Scene, destroy
from workspace_operator.application.ports import CredentialDigests, StoredCredentials
from workspace_operator.errors import NotFound
from workspace_operator.identity.rules import Mode
from workspace_operator.store.tables import credential

DAY = timedelta(days=1)
_numbers = count(1)


def digests() -> CredentialDigests:
    """Digests that nobody else has."""
    number = next(_numbers)
    return CredentialDigests(site_id=f"site {number}", api_key=f"api {number}", app_key=f"app {number}")


def rotate(scene: Scene, *, grace: timedelta = DAY, request: str = "") -> StoredCredentials:
    credentials = scene.store.credentials
    return credentials.rotate(scene.workspace_id, digests(), grace=grace, request=request, now=scene.store.clock())


def valid(scene: Scene) -> list[StoredCredentials]:
    return list(scene.store.credentials.sets(scene.workspace_id, now=scene.store.clock()))


def test_workspace_begins_without_credentials(scene: Scene) -> None:
    assert valid(scene) == []


def test_first_set_is_in_force(scene: Scene) -> None:
    given, now = digests(), scene.store.clock()

    made = scene.store.credentials.rotate(scene.workspace_id, given, grace=DAY, request="2026-03-01", now=now)

    assert made == StoredCredentials(
        workspace_id=scene.workspace_id, number=1, digests=given, created_at=now, valid_until=None, request="2026-03-01"
    )
    assert valid(scene) == [made]


def test_earlier_set_stays_for_the_grace_time(scene: Scene) -> None:
    rotate(scene)
    second = rotate(scene, grace=DAY)

    newest, earlier = valid(scene)
    assert (newest, earlier.number) == (second, 1)
    assert earlier.valid_until == scene.store.clock() + DAY

    scene.store.clock.forward(DAY.total_seconds())
    assert valid(scene) == [second]


def test_no_grace_ends_earlier_sets_at_once(scene: Scene) -> None:
    rotate(scene)
    rotate(scene, grace=DAY)

    third = rotate(scene, grace=timedelta(0))

    assert valid(scene) == [third]


def test_promised_end_is_never_put_off(scene: Scene) -> None:
    rotate(scene)
    rotate(scene, grace=timedelta(hours=1))
    promised = scene.store.clock() + timedelta(hours=1)

    rotate(scene, grace=DAY)

    assert [each.valid_until for each in valid(scene)] == [None, scene.store.clock() + DAY, promised]


def test_numbers_are_never_given_twice(scene: Scene) -> None:
    numbers = [rotate(scene, grace=timedelta(0)).number for _ in range(3)]
    scene.store.credentials.revoke(scene.workspace_id)

    numbers.append(rotate(scene).number)

    assert numbers == [1, 2, 3, 4]


def test_revoked_sets_end_at_once(scene: Scene) -> None:
    made = rotate(scene)
    rotate(scene)

    assert scene.store.credentials.revoke(scene.workspace_id) == 2

    assert valid(scene) == []
    assert (
        scene.store.credentials.of_site_ids([made.digests.site_id], now=scene.store.clock()).get(made.digests.site_id)
        is None
    )
    assert (
        scene.store.credentials.of_app_keys([made.digests.app_key], now=scene.store.clock()).get(made.digests.app_key)
        is None
    )
    assert scene.store.credentials.revoke(scene.workspace_id) == 0


def test_caller_is_found_by_digest(store: Store) -> None:
    first, second = (rotate(Scene.create(store, Mode.EMAIL_OR_ID)) for _ in range(2))

    assert (
        store.credentials.of_site_ids([second.digests.site_id], now=store.clock()).get(second.digests.site_id) == second
    )
    assert store.credentials.of_app_keys([first.digests.app_key], now=store.clock()).get(first.digests.app_key) == first
    assert store.credentials.of_site_ids([first.digests.app_key], now=store.clock()).get(first.digests.app_key) is None
    assert store.credentials.of_app_keys([first.digests.api_key], now=store.clock()).get(first.digests.api_key) is None
    assert store.credentials.of_site_ids([""], now=store.clock()).get("") is None


def test_caller_is_found_for_the_grace_time(scene: Scene) -> None:
    first = rotate(scene)
    rotate(scene, grace=DAY)
    scene.store.clock.forward(DAY.total_seconds() - 1)

    found = scene.store.credentials.of_site_ids([first.digests.site_id], now=scene.store.clock()).get(
        first.digests.site_id
    )
    scene.store.clock.forward(1)

    assert found is not None
    assert found.number == first.number
    assert (
        scene.store.credentials.of_site_ids([first.digests.site_id], now=scene.store.clock()).get(first.digests.site_id)
        is None
    )


def test_workspaces_rotate_apart(store: Store) -> None:
    first, second = Scene.create(store, Mode.EMAIL_OR_ID), Scene.create(store, Mode.EMAIL_OR_ID)
    kept = rotate(first)

    rotate(second, grace=timedelta(0))
    store.credentials.revoke(second.workspace_id)

    assert valid(first) == [kept]


def test_unknown_workspace_has_no_credentials(store: Store) -> None:
    with pytest.raises(NotFound):
        store.credentials.rotate(10**12, digests(), grace=DAY, request="", now=store.clock())
    with pytest.raises(NotFound):
        store.credentials.revoke(10**12)
    assert list(store.credentials.sets(10**12, now=store.clock())) == []


def test_destroyed_workspace_takes_its_keys_along(scene: Scene) -> None:
    made = rotate(scene)

    destroy(scene.store, scene.owner)

    assert (
        scene.store.credentials.of_site_ids([made.digests.site_id], now=scene.store.clock()).get(made.digests.site_id)
        is None
    )
    assert (
        scene.store.credentials.of_app_keys([made.digests.app_key], now=scene.store.clock()).get(made.digests.app_key)
        is None
    )


def test_ended_sets_are_cleared_by_the_next_rotation(sql_scene: Scene) -> None:
    rotate(sql_scene)
    rotate(sql_scene, grace=DAY)
    sql_scene.store.clock.forward(DAY.total_seconds())

    rotate(sql_scene)

    database = sql_scene.store.database
    assert database is not None
    with database.reading() as connection:
        numbers = connection.execute(sa.select(credential.c.number).order_by(credential.c.number)).scalars().all()
    assert numbers == [2, 3]


def test_rotations_at_once_leave_one_newest_set(sql_scene: Scene) -> None:
    together = threading.Barrier(6)
    failures: list[Exception] = []

    def rotate_together() -> None:
        together.wait()
        try:
            for _ in range(5):
                rotate(sql_scene, grace=DAY)
        except Exception as error:  # noqa: BLE001 - reported by the test
            failures.append(error)

    threads = [threading.Thread(target=rotate_together) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    sets = valid(sql_scene)
    assert failures == []
    assert [each.number for each in sets] == list(range(30, 0, -1))
    assert [each.number for each in sets if each.valid_until is None] == [30]


def test_times_are_kept_exactly(scene: Scene) -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

    scene.store.credentials.rotate(scene.workspace_id, digests(), grace=DAY, request="", now=now)

    assert [each.created_at for each in scene.store.credentials.sets(scene.workspace_id, now=now)] == [now]
