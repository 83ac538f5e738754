"""The contract of the port Accounts."""

from dataclasses import replace

import pytest

from tests.store.backends import Store
from tests.store.fixtures import create, owner
from workspace_operator.access.model import Member, Role
from workspace_operator.errors import StaleRevision
from workspace_operator.reconcile.model.accounts import (
    Account,
    AccountKey,
    AccountSettings,
    Notices,
    ObservedAccount,
    RemoveAccount,
    SetAccount,
)

SHOP = AccountKey(cluster="c1", namespace="team", name="shop")
SETTINGS = AccountSettings(
    display_name="The Shop",
    workspace_limit=3,
    admins=("Ada@Shop.example", "bob@shop.example"),
    members=(
        Member(email="cy@shop.example", workspaces=frozenset({"a", "b"}), role=Role.AUTHOR),
        Member(email="Dee@shop.example", workspaces=frozenset(), role=Role.VIEWER),
    ),
    notices=Notices(transport="bulk", sender="Shop <hello@shop.example>"),
)


def observe_account(store: Store, key: AccountKey = SHOP) -> ObservedAccount:
    return store.accounts.observe(key, now=store.clock())


def put(store: Store, settings: AccountSettings = SETTINGS, *, key: AccountKey = SHOP) -> Account:
    """Put settings in force, on what is observed now."""
    version = observe_account(store, key).row_version
    store.accounts.apply(SetAccount(key=key, row_version=version, uid="u1", settings=settings))
    found = observe_account(store, key).account
    assert found is not None
    return found


def test_account_is_unknown_at_first(store: Store) -> None:
    observed = observe_account(store)

    assert (observed.account, observed.row_version, observed.workspaces) == (None, 0, ())
    assert observed.store_id == store.heartbeats.store_id()
    assert store.accounts.list() == []


def test_settings_are_kept_as_written(store: Store) -> None:
    account = put(store)

    assert (account.key, account.uid, account.settings) == (SHOP, "u1", SETTINGS)
    assert store.accounts.list() == [account]
    assert account.people.admins == SETTINGS.admins


def test_account_is_found_by_its_key(store: Store) -> None:
    create(store, owner(), account="other")
    account = put(store)

    assert store.accounts.get(SHOP) == account
    assert store.accounts.get(replace(SHOP, cluster="c2")) is None
    assert store.accounts.get(replace(SHOP, name="other")) is None


def test_new_settings_replace_the_earlier_ones(store: Store) -> None:
    before = put(store)

    after = put(store, AccountSettings(display_name="Shop", members=SETTINGS.members[:1]))

    assert after.account_id == before.account_id
    assert after.settings == AccountSettings(display_name="Shop", members=SETTINGS.members[:1])


def test_account_of_a_workspace_takes_the_settings(store: Store) -> None:
    first, second = (
        create(store, owner("a"), account="shop"),
        create(store, owner("b"), account="shop", display_name="B"),
    )
    create(store, owner("c"), account="other")
    before = observe_account(store)

    put(store)

    assert before.account is None
    assert observe_account(store).workspaces == before.workspaces == (first, second)


def test_removed_account_keeps_its_workspaces(store: Store) -> None:
    workspace = create(store, owner(), account="shop")
    put(store)

    store.accounts.apply(RemoveAccount(key=SHOP, row_version=observe_account(store).row_version))

    observed = observe_account(store)
    assert (observed.account, observed.workspaces) == (None, (workspace,))
    assert store.accounts.list() == []
    assert put(store, AccountSettings(display_name="Again")).settings.admins == ()


@pytest.mark.parametrize(
    "action",
    [
        SetAccount(key=SHOP, row_version=0, uid="u2", settings=replace(SETTINGS, admins=())),
        RemoveAccount(key=SHOP, row_version=0),
    ],
    ids=lambda action: type(action).__name__,
)
def test_write_after_another_write_is_refused(store: Store, action: SetAccount | RemoveAccount) -> None:
    account = put(store)

    with pytest.raises(StaleRevision):
        store.accounts.apply(action)

    assert observe_account(store).account == account


def test_accounts_are_listed_by_their_names(store: Store) -> None:
    keys = [SHOP, replace(SHOP, namespace="alpha"), replace(SHOP, cluster="c0", namespace="zeta")]
    for key in keys:
        put(store, key=key)

    assert [account.key for account in store.accounts.list()] == [keys[2], keys[1], keys[0]]
    assert store.accounts.keys("c1") == [keys[1], keys[0]]
