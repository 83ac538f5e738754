"""What the store is asked besides, where the contract tests for it need more than a store."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from tests.store.couples import merge
from tests.store.scenes import Scene, begun, prepare
from workspace_operator.application.ports import CredentialDigests
from workspace_operator.errors import Conflict
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import OnConflict
from workspace_operator.reconcile.observed import SpecVersion
from workspace_operator.reconcile.plan import AcceptLowerGeneration, PutInForce, RecordSpec, RequestMigration
from workspace_operator.store.tables import workspace

SPEC: Final = SpecVersion(uid="u1", generation=5)


def write_twice(scene: Scene) -> None:
    """The second time everything is known, and PostgreSQL goes the short way."""
    scene.add("1", "ann@example.com")
    for plan in ("free", "pro", "free"):
        scene.say(id="1", body={"plan": plan})


def undo_in_the_wrong_order(scene: Scene) -> None:
    cio_ids = [scene.add(id_) for id_ in "123"]
    first = merge(scene, cio_ids[1], cio_ids[2])
    merge(scene, cio_ids[0], cio_ids[1])
    with suppress(Conflict):
        scene.store.merges.undo(scene.workspace_id, first.merge_id, now=1)


def prepare_an_address_that_was_suppressed_meanwhile(scene: Scene) -> None:
    scene.add("1", "ann@example.com")
    scene.suppress(email="ann@example.com")
    scene.request(on_conflict=OnConflict.MERGE)
    prepare(scene, begun(scene))


def report_what_was_corrected_meanwhile(scene: Scene) -> None:
    scene.request()
    lease = begun(scene)
    people, _ = scene.store.migrations.check(scene.workspace_id)
    scene.store.migrations.block(scene.change, lease, people=people, now=scene.store.clock())


def try_a_blocked_change_again(scene: Scene) -> None:
    scene.add("1", "no address")
    scene.change_to(Mode.EMAIL_OR_ID)
    scene.retry("again")


def rotate_what_was_newest(scene: Scene) -> None:
    digests = CredentialDigests(site_id="s", api_key="k", app_key="a")
    scene.store.credentials.rotate(
        scene.workspace_id, digests, grace=timedelta(0), request="", now=scene.store.clock(), after=0
    )


def pause_while_a_report_is_written(scene: Scene) -> None:
    scene.request()
    assert scene.store.database is not None
    is_tracking = sa.update(workspace).where(workspace.c.workspace_id == scene.workspace_id).values(tracks_changes=True)
    scene.store.database.writing(lambda connection: connection.execute(is_tracking))
    scene.pause()


def record_generations(scene: Scene) -> None:
    workspaces, now, number = scene.store.workspaces, scene.store.clock(), scene.workspace_id
    version = scene.workspace.row_version
    record = RecordSpec(workspace_id=number, row_version=version, generation=SPEC.generation)
    workspaces.carry_out(record, now=now, spec=SPEC)
    lower = AcceptLowerGeneration(workspace_id=number, row_version=version, recorded=5, generation=3, request="")
    workspaces.carry_out(lower, now=now, spec=None)
    settings = scene.workspace.settings
    workspaces.carry_out(PutInForce(workspace_id=number, row_version=version, settings=settings), now=now, spec=SPEC)
    change = RequestMigration(
        workspace_id=number, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=OnConflict.BLOCK
    )
    workspaces.carry_out(change, now=now, spec=replace(SPEC, generation=6))
    workspaces.unchanged("c1", ["team"])


EXTRAS: Final[tuple[Callable[[Scene], None], ...]] = (
    write_twice,
    undo_in_the_wrong_order,
    prepare_an_address_that_was_suppressed_meanwhile,
    report_what_was_corrected_meanwhile,
    try_a_blocked_change_again,
    rotate_what_was_newest,
    pause_while_a_report_is_written,
    record_generations,
)
