"""The contract of the port Heartbeats, and observations of other clusters and databases."""

from datetime import timedelta

import pytest

from tests.store.backends import Store
from tests.store.fixtures import create, observe, owner
from workspace_operator.application.ports import Heartbeat, StalledResources
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import CreateWorkspace
from workspace_operator.store.schema.tables import store_identity
from workspace_operator.workspaces.model import Settings


def test_no_cluster_has_a_heartbeat_at_first(store: Store) -> None:
    assert store.heartbeats.all() == {}


def test_beats_are_counted_by_cluster(store: Store) -> None:
    start = store.clock()
    for cluster in ("c1", "c2", "c1"):
        store.heartbeats.beat(cluster, now=store.clock())
        store.clock.advance(10)

    assert store.heartbeats.all() == {
        "c1": Heartbeat(beats=2, beat_at=start + timedelta(seconds=20)),
        "c2": Heartbeat(beats=1, beat_at=start + timedelta(seconds=10)),
    }


def test_heartbeat_replaces_the_stalled_resources(store: Store) -> None:
    stalled = StalledResources(
        kind="Workspace", reason="WorkspaceMissing", count=12, names=("team/a", "team/b"), message="»gone«"
    )

    seen = []
    for known in ((), (stalled, stalled), (stalled,), ()):
        store.heartbeats.beat("c1", stalled=known, now=store.clock())
        seen.append(store.heartbeats.all()["c1"].stalled)

    assert seen == [(), (stalled, stalled), (stalled,), ()]


def test_observation_names_the_database(store: Store) -> None:
    seen = observe(store, owner())

    assert seen.store_id == store.heartbeats.store_id() != ""


def test_namesakes_are_observed_with_their_heartbeats(store: Store) -> None:
    beating = create(store, owner(cluster="c2"))
    silent = create(store, owner(cluster="c3"))
    create(store, owner("other", cluster="c2"), display_name="Other")
    create(store, owner(namespace="elsewhere", cluster="c2"))
    store.heartbeats.beat("c2", now=store.clock())

    seen = observe(store, owner())

    assert [(each.workspace, each.beats) for each in seen.namesakes] == [(beating, 1), (silent, None)]


def test_owner_with_a_workspace_observes_no_namesakes(store: Store) -> None:
    create(store, owner(cluster="c2"))
    create(store, owner())

    assert observe(store, owner()).namesakes == ()


def test_settled_workspaces_name_their_database(store: Store) -> None:
    create(store, owner())

    [settled] = store.workspaces.unchanged("c1", ["team"])

    assert settled.store_id == store.heartbeats.store_id()


def test_new_workspace_never_has_the_number_that_it_replaces(store: Store) -> None:
    last = create(store, owner()).workspace_id
    action = CreateWorkspace(
        owner=owner("other"),
        account="default",
        mode=Mode.ID_ONLY,
        settings=Settings(display_name="Other"),
        replaces=last + 1,
    )

    store.workspaces.apply(action, now=store.clock())

    assert observe(store, owner("other")).workspace.workspace_id == last + 2  # type: ignore[union-attr]


def test_database_without_identity_is_refused(sql: Store) -> None:
    store_id = sql.heartbeats.store_id()
    sql.sql_database.writing(lambda connection: connection.execute(store_identity.delete()).rowcount)

    try:
        with pytest.raises(StoreUnavailable, match="has no identity"):
            observe(sql, owner())
    finally:
        restored = store_identity.insert().values(identity_id=1, store_id=store_id)
        sql.sql_database.writing(lambda connection: connection.execute(restored).rowcount)
