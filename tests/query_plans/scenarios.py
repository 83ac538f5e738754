"""Scenarios for statements whose contract tests need more than a store."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from tests.store.fixtures import WorkspaceEnv, backfill, start_backfill
from tests.store.merge_builders import merge
from tests.store.sending_builders import accept
from workspace_operator.application.ports import CredentialDigests
from workspace_operator.errors import Conflict
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    RecordGeneration,
    RequestMigration,
    UpdateSettings,
)
from workspace_operator.store.schema.tables import workspace
from workspace_operator.workspaces.spec_versions import SpecVersion

SPEC: Final = SpecVersion(uid="u1", generation=5)


def write_twice(env: WorkspaceEnv) -> None:
    """Identify twice: the second time, PostgreSQL takes the fast path."""
    env.add("1", "ann@example.com")
    for plan in ("free", "pro", "free"):
        env.identify_person(id="1", body={"plan": plan})


def update_many(env: WorkspaceEnv) -> None:
    """Identify known people in one batch."""
    for plan in ("free", "pro"):
        env.identify(*(env.call(id=id_, body={"plan": plan}) for id_ in "12345"))


def accept_a_message(env: WorkspaceEnv) -> None:
    env.add("1", "ann@example.com")
    accept(env, reference=env.reference(id="1"))


def undo_in_the_wrong_order(env: WorkspaceEnv) -> None:
    cio_ids = [env.add(id_) for id_ in "123"]
    first = merge(env, cio_ids[1], cio_ids[2])
    merge(env, cio_ids[0], cio_ids[1])
    with suppress(Conflict):
        env.store.merges.undo(env.workspace_id, first.merge_id, now=1)


def prepare_an_address_that_was_suppressed_meanwhile(env: WorkspaceEnv) -> None:
    env.add("1", "ann@example.com")
    env.suppress(email="ann@example.com")
    env.request(on_conflict=OnConflict.MERGE)
    backfill(env, start_backfill(env))


def report_what_was_corrected_meanwhile(env: WorkspaceEnv) -> None:
    env.request()
    lease = start_backfill(env)
    env.block(lease)


def try_a_blocked_change_again(env: WorkspaceEnv) -> None:
    env.add("1", "no address")
    env.migrate_to(Mode.EMAIL_OR_ID)
    env.retry("again")


def rotate_what_was_newest(env: WorkspaceEnv) -> None:
    digests = CredentialDigests(site_id="s", api_key="k", app_key="a")
    env.store.credentials.rotate(
        env.workspace_id, digests, grace=timedelta(0), request="", now=env.store.clock(), after=0
    )


def pause_while_a_report_is_written(env: WorkspaceEnv) -> None:
    env.request()
    is_tracking = (
        sa.update(workspace).where(workspace.c.workspace_id == env.workspace_id).values(change_log_enabled=True)
    )
    env.store.sql_database.writing(lambda connection: connection.execute(is_tracking))
    env.pause()


def record_generations(env: WorkspaceEnv) -> None:
    workspaces, now, number = env.store.workspaces, env.store.clock(), env.workspace_id
    version = env.workspace.row_version
    record = RecordGeneration(workspace_id=number, row_version=version, generation=SPEC.generation)
    workspaces.apply(record, now=now, spec=SPEC)
    lower = AcceptLowerGeneration(workspace_id=number, row_version=version, recorded=5, generation=3, request="")
    workspaces.apply(lower, now=now, spec=None)
    settings = env.workspace.settings
    workspaces.apply(UpdateSettings(workspace_id=number, row_version=version, settings=settings), now=now, spec=SPEC)
    change = RequestMigration(
        workspace_id=number, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=OnConflict.BLOCK
    )
    workspaces.apply(change, now=now, spec=replace(SPEC, generation=6))
    workspaces.unchanged("c1", ["team"])


EXTRAS: Final[tuple[Callable[[WorkspaceEnv], None], ...]] = (
    write_twice,
    undo_in_the_wrong_order,
    prepare_an_address_that_was_suppressed_meanwhile,
    report_what_was_corrected_meanwhile,
    try_a_blocked_change_again,
    rotate_what_was_newest,
    pause_while_a_report_is_written,
    record_generations,
)

ON_CITUS: Final[tuple[Callable[[WorkspaceEnv], None], ...]] = (write_twice, update_many, accept_a_message)
"""Commands that send other statements on Citus."""
