"""Accounts for the tests, each complete and valid, so that a test says only what it is about."""

from typing import Any

from tests.reconcile.builders import CLUSTER, NOW
from workspace_operator.reconcile.model.account_resources import (
    AccountPlan,
    AccountResource,
    DesiredAccount,
    FirstWorkspaceState,
)
from workspace_operator.reconcile.model.accounts import Account, AccountKey, AccountSettings, ObservedAccount
from workspace_operator.reconcile.model.observed import StoreUnreachable
from workspace_operator.reconcile.policies.accounts import decide_account

KEY = AccountKey(cluster=CLUSTER, namespace="team-a", name="acme")
SETTINGS = AccountSettings(display_name="Acme", workspace_limit=3)
CREATED_AT = "2026-05-01T11:00:00Z"


def account_resource(**values: Any) -> AccountResource:
    """An Account that is an hour old at NOW."""
    defaults: dict[str, Any] = {
        "namespace": "team-a",
        "name": "acme",
        "uid": "uid-1",
        "generation": 3,
        "created_at": CREATED_AT,
        "desired": DesiredAccount(settings=SETTINGS, creates_first_workspace=True),
    }
    return AccountResource(**defaults | values)


def stored_account(**values: Any) -> Account:
    """The account of the resource above, with the same settings in force."""
    defaults: dict[str, Any] = {"account_id": 1, "key": KEY, "uid": "uid-1", "settings": SETTINGS}
    return Account(**defaults | values)


def observed_account(**values: Any) -> ObservedAccount:
    """The settings of the resource above are in force."""
    defaults: dict[str, Any] = {"store_id": "store-1", "account": stored_account(), "row_version": 1}
    return ObservedAccount(**defaults | values)


def account_plan(
    resource: AccountResource,
    observed: ObservedAccount | StoreUnreachable,
    first: FirstWorkspaceState = FirstWorkspaceState(),  # noqa: B008 - it is frozen
    **values: Any,
) -> AccountPlan:
    arguments: dict[str, Any] = {"cluster_id": CLUSTER, "now": NOW} | values
    return decide_account(resource, observed, first, **arguments)
