"""A worker that dies in the middle of a report, after each of its transactions: nothing of it is left or lost."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TypeVar

import pytest
import sqlalchemy as sa

from tests.store.adapters import Store
from tests.store.interruptions import Died
from tests.store.invariants import assert_sound
from tests.store.scenes import Scene, begun, prepare
from workspace_operator.application.ports import Lease
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.stages import Stage
from workspace_operator.store import reporting
from workspace_operator.store.engines import Database
from workspace_operator.store.migrating import SQLMigrations

T = TypeVar("T")
PEOPLE = 5


class MortalDatabase(Database):
    """Whoever uses it dies right after so many transactions that write; others write in between."""

    def __init__(self, url: str, *, after: int, others: Callable[[int], object]) -> None:
        super().__init__(url)
        self.after = after
        self.others = others
        self.written = 0

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        result = super().writing(work)
        self.written += 1
        self.others(self.written)
        if self.written == self.after:
            raise Died
        return result


def each_death(store: Store, *, late: bool = True) -> Iterator[Scene]:
    """A scene a transaction, after each of which the worker died that was reporting somebody.

    ``late``: they came when all was prepared; else the first look found them.
    """
    for after in count(1):
        scene = Scene.create(store, Mode.ID_ONLY)
        scene.add_many({str(number): f"{number}@example.com" for number in range(PEOPLE)})
        scene.request()
        lease = prepared(scene) if late else looking(scene)
        scene.say(id="0", body={"email": "no address"})
        others = partial(move_one, scene)
        if reporting_with(scene, lease, others, after=after) < after:
            return
        yield scene


def prepared(scene: Scene) -> Lease:
    lease = begun(scene)
    prepare(scene, lease)
    return lease


def looking(scene: Scene) -> Lease:
    change, lease = scene.claim()
    scene.store.migrations.start_checking(change, lease, now=scene.store.clock())
    return lease


def move_one(scene: Scene, number: int) -> None:
    """Somebody who stands in nobody's way has another address."""
    scene.say(id="1", body={"email": f"1-{number}@example.com"})


def finish(scene: Scene) -> None:
    for _ in range(3):
        scene.store.clock.forward(61)
        while scene.worker("w2").work_once():
            pass


def test_mended_change_has_everybody_as_they_are(sql: Store) -> None:
    for scene in each_death(sql):
        move_one(scene, 0)
        scene.say(id="0", body={"email": "0@example.com"})

        finish(scene)

        assert (scene.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
        assert sql.database is not None
        assert_sound(sql.database)


@pytest.mark.parametrize("late", [True, False])
def test_cancelled_change_leaves_no_trace(sql: Store, late: bool) -> None:
    for scene in each_death(sql, late=late):
        scene.cancel()

        finish(scene)

        assert (scene.stage, scene.mode) == (Stage.CANCELLED, Mode.ID_ONLY)
        assert sql.database is not None
        assert_sound(sql.database)


def test_change_that_is_not_mended_is_reported(sql: Store) -> None:
    for scene in each_death(sql):
        finish(scene)

        assert (scene.stage, scene.mode) == (Stage.BLOCKED, Mode.ID_ONLY)
        assert [each.id for each in scene.violations()] == ["0"]


def reporting_with(scene: Scene, lease: Lease, others: Callable[[int], object], *, after: int = 0) -> int:
    """Report while others write after each of its transactions; how many there were."""
    assert scene.store.database is not None
    url = scene.store.database.url.render_as_string(hide_password=False)
    database = MortalDatabase(url, after=after, others=others)
    people, _ = scene.store.migrations.check(scene.workspace_id)
    with suppress(Died):
        SQLMigrations(database).block(scene.change, lease, people=people, now=scene.store.clock())
    database.close()
    return database.written


def test_who_goes_while_the_report_is_written_mends_the_others(sql: Store) -> None:
    """Also after it was noted who is listed, when nobody remembers that they were."""
    for moment in count(1):
        scene = Scene.create(sql, Mode.ID_ONLY)
        scene.add_many({"ann": "ann@example.com", "twin": "ann@example.com"})
        scene.request()
        lease = looking(scene)

        def go(number: int, scene: Scene = scene, moment: int = moment) -> None:
            if number == moment:
                scene.delete(id="twin")

        written = reporting_with(scene, lease, go)
        if moment > written:
            break
        finish(scene)

        assert (scene.stage, scene.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID), f"after transaction {moment}"
        assert sql.database is not None
        assert_sound(sql.database)


def test_export_that_is_half_removed_forgets_the_deleted(sql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fourth report removes the first, and its worker dies: whoever goes then is in no row that is left."""
    monkeypatch.setattr(reporting, "ROWS_AT_A_TIME", 2)
    for after in count(1):
        scene = Scene.create(sql, Mode.ID_ONLY)
        for number in range(8):  # by their addresses in another order than they came
            scene.add(str(number), f"{7 - number // 2}@example.com")
        scene.request()
        scene.work()
        for token in ("second", "third"):
            scene.retry(token)
            scene.work()
        scene.retry("fourth")
        _, lease = scene.claim()
        written = reporting_with(scene, lease, lambda _: None, after=after)
        if written < after:
            break
        scene.cancel()
        finish(scene)

        for number in range(8):
            scene.delete(id=str(number))

        listed = [row for each in sql.exports.exports(scene.workspace_id) for row in scene.violations(each.number)]
        assert listed == [], f"after transaction {after}"
        assert sql.database is not None
        assert_sound(sql.database)
