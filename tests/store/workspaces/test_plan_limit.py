"""The limit of an account's workspaces: who gets the last place is decided in the store."""

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.store.backends import Store
from tests.store.fixtures import create, destroy, observe, observed, owner
from tests.store.workspaces.test_accounts import SHOP, observe_account, put
from tests.threads import run_together
from workspace_operator.errors import PlanLimitReached
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, RemoveAccount
from workspace_operator.reconcile.model.actions import ChangeOwner
from workspace_operator.reconcile.model.observed import AccountPlaces, WorkspaceQuery
from workspace_operator.workspaces.model import Workspace

DEFAULT = replace(SHOP, name="default")


def limit(store: Store, number: int | None, key: AccountKey = DEFAULT) -> None:
    put(store, AccountSettings(display_name="Team", workspace_limit=number), key=key)


def create_named(store: Store, name: str, account: str = "default") -> Workspace:
    return create(store, owner(name), display_name=name, account=account)


def places_of(store: Store, name: str) -> AccountPlaces | None:
    """The places that the resource of a name observes."""
    return store.workspaces.observe(WorkspaceQuery(owner=owner(name), now=store.clock(), account="default")).places


def test_account_without_limit_has_no_places(store: Store) -> None:
    limit(store, None)
    create_named(store, "a")

    assert places_of(store, "b") is None


def test_places_are_taken_by_the_workspaces_of_the_account(store: Store) -> None:
    first = create_named(store, "a")
    create_named(store, "other", account="other")
    limit(store, 2)

    places = places_of(store, "b")

    assert places is not None
    assert (places.limit, [taken.workspace for taken in places.taken], places.is_full) == (2, [first], False)
    assert places_of(store, "a") is None


def test_workspace_over_the_limit_is_refused(store: Store) -> None:
    limit(store, 1)
    first = create_named(store, "a")

    with pytest.raises(PlanLimitReached):
        create_named(store, "b")

    assert store.workspaces.list() == [first]
    assert observe(store, owner("b")).workspace is None
    assert create_named(store, "c", account="other").account == "other"


def test_deleted_workspace_leaves_its_place(store: Store) -> None:
    limit(store, 1)
    create_named(store, "a")
    destroy(store, owner("a"))

    assert create_named(store, "b").owner.name == "b"


def test_lower_limit_takes_no_place_away(store: Store) -> None:
    first, second = create_named(store, "a"), create_named(store, "b")

    limit(store, 1)

    assert observe_account(store, DEFAULT).workspaces == (first, second)
    with pytest.raises(PlanLimitReached):
        create_named(store, "c")


def test_adoption_needs_no_place(store: Store) -> None:
    released = create_named(store, "a")
    limit(store, 1)
    adoption = ChangeOwner(workspace_id=released.workspace_id, row_version=released.row_version, owner=owner("b"))

    store.workspaces.apply(adoption, now=store.clock())

    assert observed(store, owner("b")).workspace_id == released.workspace_id


def test_limit_ends_with_the_account(store: Store) -> None:
    limit(store, 1)
    create_named(store, "a")
    store.accounts.apply(RemoveAccount(key=DEFAULT, row_version=observe_account(store, DEFAULT).row_version))

    assert create_named(store, "b").owner.name == "b"


def test_last_place_goes_to_one_of_two(sql: Store) -> None:
    limit(sql, 3)
    create_named(sql, "first")

    def try_to_create(name: str) -> None:
        with suppress(PlanLimitReached):
            create_named(sql, name)

    run_together(*[lambda name=name: try_to_create(name) for name in "abcd"])

    assert len(sql.workspaces.list()) == 3
