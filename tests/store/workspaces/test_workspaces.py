"""The contract of the port Workspaces."""

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, create, destroy, observe, observed, owner
from tests.store.invariants import assert_sound
from workspace_operator.errors import Ambiguous, NameTaken, NotFound, StaleRevision
from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.reconcile.model.actions import ChangeOwner, DeleteWorkspace, UpdateSettings
from workspace_operator.reconcile.model.observed import WorkspaceQuery
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay
from workspace_operator.workspaces.model import Settings


def update_settings(store: Store, workspace_id: int, settings: Settings, *, row_version: int) -> None:
    action = UpdateSettings(workspace_id=workspace_id, row_version=row_version, settings=settings)
    store.workspaces.apply(action, now=store.clock())


def change_owner(store: Store, workspace_id: int, of: str, *, row_version: int, **place: str) -> None:
    action = ChangeOwner(workspace_id=workspace_id, row_version=row_version, owner=owner(of, **place))
    store.workspaces.apply(action, now=store.clock())


def test_created_workspace_is_observed(store: Store) -> None:
    workspace = create(store, owner(), mode=Mode.ID_ONLY, account="north", display_name="My shop")

    assert workspace.owner == owner()
    assert (workspace.mode, workspace.account) == (Mode.ID_ONLY, "north")
    assert workspace.settings == Settings(display_name="My shop")
    assert store.workspaces.get(workspace.workspace_id) == workspace


def test_nothing_is_observed_for_strangers(store: Store) -> None:
    create(store, owner())

    seen = observe(store, owner("other"))

    assert (seen.workspace, seen.migration, seen.people, seen.name_holder) == (None, None, None, None)


def test_owner_has_one_workspace(store: Store) -> None:
    create(store, owner())

    with pytest.raises(StaleRevision):
        create(store, owner(uid="u2"), display_name="Another")


def test_display_name_is_unique_in_account(store: Store) -> None:
    create(store, owner("a"))

    with pytest.raises(NameTaken):
        create(store, owner("b"))


def test_display_names_differ_by_case(store: Store) -> None:
    create(store, owner("a"), display_name="Shop")

    assert create(store, owner("b"), display_name="shop").settings.display_name == "shop"


@pytest.mark.parametrize(
    "elsewhere", [owner("b", namespace="other"), owner("b", cluster="c2")], ids=["namespace", "cluster"]
)
def test_accounts_of_equal_names_are_apart(store: Store, elsewhere: object) -> None:
    first = create(store, owner("a"))

    second = create(store, elsewhere)  # type: ignore[arg-type]

    assert second.account == first.account
    assert second.workspace_id != first.workspace_id


def test_accounts_of_a_namespace_are_apart(store: Store) -> None:
    create(store, owner("a"), account="north")

    assert create(store, owner("b"), account="south").account == "south"


def test_every_setting_is_put_in_force(store: Store) -> None:
    workspace = create(store, owner())
    wanted = Settings(
        display_name="Ünïcode 🛍",
        color="ff00aa",
        email_updates=EmailUpdates.BY_CIO_ID,
        id_updates=IDUpdates.BY_CIO_ID,
        merge_multi_identifier=False,
        send_mode=SendMode.TEST,
        test_address="test@example.com",
        open_tracking=False,
        app_key_may=AppKeyMay.CLEAN,
    )

    update_settings(store, workspace.workspace_id, wanted, row_version=workspace.row_version)

    assert observed(store, owner()).settings == wanted
    assert observed(store, owner()).row_version > workspace.row_version


def test_renaming_frees_the_old_name(store: Store) -> None:
    workspace = create(store, owner("a"))

    update_settings(store, workspace.workspace_id, Settings(display_name="New"), row_version=workspace.row_version)

    assert create(store, owner("b"), display_name="Shop").settings.display_name == "Shop"


def test_renaming_to_a_taken_name_is_refused(store: Store) -> None:
    create(store, owner("a"))
    other = create(store, owner("b"), display_name="Other")

    with pytest.raises(NameTaken):
        update_settings(store, other.workspace_id, Settings(display_name="Shop"), row_version=other.row_version)

    assert observed(store, owner("b")) == other


def test_settings_of_a_stale_revision_are_refused(store: Store) -> None:
    workspace = create(store, owner())
    update_settings(store, workspace.workspace_id, Settings(display_name="New"), row_version=workspace.row_version)

    with pytest.raises(StaleRevision):
        update_settings(store, workspace.workspace_id, Settings(display_name="Old"), row_version=workspace.row_version)


def test_cut_over_makes_earlier_revisions_stale(env: WorkspaceEnv, store: Store) -> None:
    before = env.workspace
    env.migrate_to(Mode.EMAIL_OR_ID)

    with pytest.raises(StaleRevision):
        update_settings(store, env.workspace_id, before.settings, row_version=before.row_version)


def test_name_holder_is_observed(store: Store) -> None:
    holder = create(store, owner("a"))

    seen = observe(store, owner("b"), display_name="Shop")

    assert seen.name_holder is not None
    assert (seen.name_holder.workspace, seen.name_holder.owner_is_gone) == (holder, False)


def test_own_name_has_no_other_holder(store: Store) -> None:
    create(store, owner())

    assert observe(store, owner(), display_name="Shop").name_holder is None


def test_name_is_searched_in_the_account_of_the_workspace(store: Store) -> None:
    create(store, owner("a"))
    create(store, owner("b"), account="north", display_name="B")

    assert observe(store, owner("b"), account="default", display_name="Shop").name_holder is None
    assert observe(store, owner("c"), account="default", display_name="Shop").name_holder is not None


def test_adoptable_and_remembered_are_observed(store: Store) -> None:
    first, second = create(store, owner("a")), create(store, owner("b"), display_name="B")

    seen = observe(store, owner("c"), from_annotation=first.workspace_id, from_status=second.workspace_id)

    assert seen.from_annotation is not None
    assert seen.from_status is not None
    assert (seen.from_annotation.workspace, seen.from_status.workspace) == (first, second)
    assert observe(store, owner("c"), from_annotation=10**12).from_annotation is None
    assert observe(store, owner("b"), from_status=second.workspace_id).from_status is None


def test_people_are_counted_only_when_asked(env: WorkspaceEnv) -> None:
    seen = env.store.workspaces.observe(WorkspaceQuery(owner=env.owner, now=env.store.clock()))

    assert seen.people is None


def test_new_uid_takes_over(store: Store) -> None:
    workspace = create(store, owner(uid="old"))

    change_owner(store, workspace.workspace_id, "shop", uid="new", row_version=workspace.row_version)

    assert observed(store, owner()).owner.uid == "new"


def test_other_name_takes_over(store: Store) -> None:
    workspace = create(store, owner("a"))

    change_owner(store, workspace.workspace_id, "b", row_version=workspace.row_version)

    assert observed(store, owner("b")).workspace_id == workspace.workspace_id
    assert observe(store, owner("a")).workspace is None


def test_owner_change_of_a_stale_revision_is_refused(store: Store) -> None:
    workspace = create(store, owner())
    change_owner(store, workspace.workspace_id, "shop", uid="new", row_version=workspace.row_version)

    with pytest.raises(StaleRevision):
        change_owner(store, workspace.workspace_id, "shop", uid="other", row_version=workspace.row_version)


def test_owner_of_one_takes_no_other(store: Store) -> None:
    workspace = create(store, owner("a"))
    create(store, owner("b"), display_name="B")

    with pytest.raises(StaleRevision):
        change_owner(store, workspace.workspace_id, "b", row_version=workspace.row_version)


def test_workspace_moves_with_its_owner_to_another_namespace(store: Store) -> None:
    workspace = create(store, owner("a"), account="north")

    change_owner(store, workspace.workspace_id, "a", namespace="other", row_version=workspace.row_version)

    assert observed(store, owner("a", namespace="other")).account == "north"
    assert create(store, owner("b"), account="north").settings.display_name == "Shop"
    assert observe(store, owner("c", namespace="other"), account="north", display_name="Shop").name_holder is not None


def test_taken_name_hinders_moving_to_another_namespace(store: Store) -> None:
    workspace = create(store, owner("a"))
    create(store, owner("b", namespace="other"))

    with pytest.raises(NameTaken):
        change_owner(store, workspace.workspace_id, "a", namespace="other", row_version=workspace.row_version)


def test_destroyed_workspace_leaves_nothing(env: WorkspaceEnv, store: Store) -> None:
    env.add("1", "ann@example.com")
    env.add("2", "ann@example.com")
    env.suppress(email="bob@example.com")
    env.migrate_to(Mode.EMAIL_OR_ID)

    destroy(store, env.owner)

    assert observe(store, env.owner).workspace is None
    assert list(store.people.all(env.workspace_id)) == []
    assert store.exports.exports(env.workspace_id) == []
    assert env.work() is False
    if store.database is not None:
        assert_sound(store.database)


def test_deleting_spares_the_others(store: Store) -> None:
    env, other = WorkspaceEnv.create(store, Mode.ID_ONLY), WorkspaceEnv.create(store, Mode.ID_ONLY)
    other.add("1")

    destroy(store, env.owner)

    assert other.find(id="1") is not None


def test_nothing_is_destroyed_twice(store: Store) -> None:
    workspace = create(store, owner())
    destruction = DeleteWorkspace(workspace_id=workspace.workspace_id, row_version=workspace.row_version)
    store.workspaces.apply(destruction, now=store.clock())

    with pytest.raises(StaleRevision):
        store.workspaces.apply(destruction, now=store.clock())


def test_workspace_that_was_given_away_is_not_destroyed(store: Store) -> None:
    workspace = create(store, owner())
    destruction = DeleteWorkspace(workspace_id=workspace.workspace_id, row_version=workspace.row_version)
    change_owner(store, workspace.workspace_id, "safe", row_version=workspace.row_version)

    with pytest.raises(StaleRevision):
        store.workspaces.apply(destruction, now=store.clock())

    assert observed(store, owner("safe")).workspace_id == workspace.workspace_id


def test_numbers_are_never_given_twice(store: Store) -> None:
    workspace = create(store, owner())
    destroy(store, owner())

    assert create(store, owner()).workspace_id > workspace.workspace_id


def test_workspace_is_found_by_name(store: Store) -> None:
    workspace = create(store, owner())

    assert store.workspaces.find("team", "shop") == workspace
    assert store.workspaces.find("team", "shop", cluster="c1") == workspace


@pytest.mark.parametrize(
    ("namespace", "name", "cluster"), [("team", "x", None), ("x", "shop", None), ("team", "shop", "x")]
)
def test_unknown_name_is_not_found(store: Store, namespace: str, name: str, cluster: str | None) -> None:
    create(store, owner())

    with pytest.raises(NotFound):
        store.workspaces.find(namespace, name, cluster=cluster)


def test_name_in_two_clusters_is_ambiguous(store: Store) -> None:
    create(store, owner())
    second = create(store, owner(cluster="c2"))

    with pytest.raises(Ambiguous, match="c1, c2"):
        store.workspaces.find("team", "shop")

    assert store.workspaces.find("team", "shop", cluster="c2") == second


def test_unknown_number_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.workspaces.get(10**12)


def test_workspaces_are_listed_by_number(store: Store) -> None:
    made = [create(store, owner(name), display_name=name) for name in ("c", "a", "b")]

    assert store.workspaces.list() == made
