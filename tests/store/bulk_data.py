"""People with shared addresses, and a migration that merges them."""

from tests.store.fixtures import WorkspaceEnv, apply_change_log, backfill, cut_over, start_backfill
from tests.store.invariants import assert_sound
from workspace_operator.application.ports import Lease
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage

ANN, BEN = "ann@example.com", "ben@example.com"


def add_sharers(env: WorkspaceEnv) -> dict[str, str]:
    """Three people with Ann's address, two with Ben's, and one with their own; cio_ids by id."""
    emails = {"1": ANN, "2": "ANN@example.com", "3": ANN, "4": BEN, "5": BEN, "6": "cy@example.com"}
    people = {}
    for id_, email in emails.items():
        people[id_] = env.add(id_, email, number=id_)
        env.store.clock.advance(1)
    return people


def cut_over_migration(env: WorkspaceEnv) -> Lease:
    """A migration that merges, after the cut-over and before the first merge."""
    env.request(on_conflict=OnConflict.MERGE)
    lease = start_backfill(env)
    backfill(env, lease)
    apply_change_log(env, lease)
    assert cut_over(env, lease).stage is Stage.SWITCHED
    env.store.clock.advance(1)
    return lease


def finish(env: WorkspaceEnv, lease: Lease) -> None:
    env.finish(lease)
    assert env.stage is Stage.COMPLETED
    if env.store.database is not None:
        assert_sound(env.store.database)


def ids_by_cio_id(env: WorkspaceEnv) -> dict[str, str | None]:
    """Ids by cio_id."""
    return {each.cio_id: each.id for each in env.store.people.all(env.workspace_id)}


def cio_id_of(env: WorkspaceEnv, id_: str) -> str:
    found = env.find(id=id_)
    assert found is not None
    return found.cio_id
