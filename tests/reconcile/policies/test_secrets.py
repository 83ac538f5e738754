"""The Secret with a workspace's credentials: whose it is, and how it shall look."""

from typing import Any

import pytest

from tests.reconcile.builders import resource
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.secrets import Secret, desired_secret, secret_state
from workspace_operator.resources.workspaces import API_VERSION, MANAGED_BY, MANAGER, WORKSPACE_ID

SHOP = resource()
OWNER = {
    "apiVersion": API_VERSION,
    "kind": "Workspace",
    "name": "shop",
    "uid": "uid-1",
    "controller": True,
    "blockOwnerDeletion": False,
}
EARLIER = OWNER | {"uid": "uid-0"}
SOMEBODY = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "uid-9"}


def found(*owners: Any, labels: Any = None) -> Secret:
    return Secret(values={}, labels=labels or {}, owners=owners, version="3")


@pytest.mark.parametrize(
    ("secret", "state"),
    [
        (None, SecretState.ABSENT),
        (found(), SecretState.FOREIGN),
        (found(EARLIER), SecretState.FOREIGN),
        (found(SOMEBODY, labels={MANAGED_BY: "Helm"}), SecretState.FOREIGN),
        (found(OWNER), SecretState.OWN),
        (found(SOMEBODY, OWNER), SecretState.OWN),
        (found(labels={MANAGED_BY: MANAGER}), SecretState.INHERITED),
        (found(EARLIER, labels={MANAGED_BY: MANAGER}), SecretState.INHERITED),
    ],
)
def test_secret_belongs_to_whom_it_says(secret: Secret | None, state: SecretState) -> None:
    assert secret_state(secret, SHOP) is state


def test_new_secret_is_labelled_and_owned() -> None:
    made = desired_secret({"apiKey": "x"}, SHOP, 7, existing=None)

    assert made == Secret(
        values={"apiKey": "x"}, labels={MANAGED_BY: MANAGER, WORKSPACE_ID: "7"}, owners=(OWNER,), version=""
    )


@pytest.mark.parametrize("owner", [OWNER, EARLIER, EARLIER | {"controller": False}, SOMEBODY | {"controller": True}])
def test_one_workspace_controls_it(owner: Any) -> None:
    made = desired_secret({}, SHOP, 7, existing=found(owner))

    assert made.owners == (OWNER,)


def test_other_owners_stay() -> None:
    made = desired_secret({}, SHOP, 7, existing=found(SOMEBODY, EARLIER))

    assert (made.owners, made.version) == ((SOMEBODY, OWNER), "3")


def test_values_are_not_shown() -> None:
    assert "s3cr3t" not in repr(desired_secret({"apiKey": "s3cr3t"}, SHOP, 7, existing=None))
