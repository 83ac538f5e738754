"""The contract of the port Ownership."""

from dataclasses import replace

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, create, observe, observed, owner
from tests.store.invariants import assert_sound
from tests.store.sending_builders import Sender, accept
from workspace_operator.errors import Conflict, NameTaken, StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import ChangeOwner
from workspace_operator.workspaces.model import Owner, Workspace

HERE = owner("crm", cluster="new", uid="")


def to(workspace: Workspace, owner: Owner) -> ChangeOwner:
    return ChangeOwner(workspace_id=workspace.workspace_id, row_version=workspace.row_version, owner=owner)


def people_in(store: Store, workspace: Workspace) -> WorkspaceEnv:
    return WorkspaceEnv(store=store, owner=workspace.owner, workspace_id=workspace.workspace_id)


def test_all_workspaces_go_to_their_owners(store: Store) -> None:
    first, second = create(store, owner("crm")), create(store, owner("club"), display_name="Club")
    people_in(store, first).add("ana", "ana@example.com")

    store.ownership.reassign([to(first, HERE), to(second, replace(HERE, name="club"))], replace_empty=False)

    assert observed(store, HERE).workspace_id == first.workspace_id
    assert observed(store, replace(HERE, name="club")).settings.display_name == "Club"
    assert store.people.count(first.workspace_id).total == 1
    assert observe(store, owner("crm")).workspace is None


def test_nothing_goes_when_one_cannot(store: Store) -> None:
    first, second = create(store, owner("crm")), create(store, owner("club"), display_name="Club")
    stale = replace(to(second, replace(HERE, name="club")), row_version=second.row_version + 1)

    with pytest.raises(StaleRevision):
        store.ownership.reassign([to(first, HERE), stale], replace_empty=True)

    assert observed(store, owner("crm")) == first


def test_owner_keeps_its_workspace_unless_it_may_be_replaced(store: Store) -> None:
    ours, theirs = create(store, owner("crm")), create(store, HERE)

    with pytest.raises(Conflict):
        store.ownership.reassign([to(ours, HERE)], replace_empty=False)

    assert (observed(store, owner("crm")), observed(store, HERE)) == (ours, theirs)


def test_empty_workspace_is_replaced(store: Store) -> None:
    ours, theirs = create(store, owner("crm")), create(store, HERE)

    store.ownership.reassign([to(ours, HERE)], replace_empty=True)

    assert observed(store, HERE).workspace_id == ours.workspace_id
    assert theirs.workspace_id not in [each.workspace_id for each in store.workspaces.list()]
    if store.database is not None:
        assert_sound(store.database)


@pytest.mark.parametrize("what", ["person", "suppression"])
def test_workspace_that_holds_something_is_not_replaced(store: Store, what: str) -> None:
    ours, theirs = create(store, owner("crm")), create(store, HERE, mode=Mode.EMAIL_OR_ID)
    if what == "person":
        people_in(store, theirs).add("ana", "ana@example.com")
    else:
        people_in(store, theirs).suppress(email="ana@example.com")

    with pytest.raises(Conflict):
        store.ownership.reassign([to(ours, HERE)], replace_empty=True)

    assert not store.ownership.is_empty(theirs.workspace_id)
    assert (observed(store, owner("crm")).workspace_id, observed(store, HERE)) == (ours.workspace_id, theirs)


def test_new_workspace_is_empty(store: Store) -> None:
    assert store.ownership.is_empty(create(store, owner()).workspace_id)


def test_owner_may_be_given_what_it_has(store: Store) -> None:
    ours = create(store, owner("crm"))

    store.ownership.reassign([to(ours, replace(owner("crm"), uid=""))], replace_empty=True)

    assert observed(store, owner("crm")).owner.uid == ""


def test_names_of_the_account_stay_unique(store: Store) -> None:
    ours = create(store, owner("crm"))
    create(store, replace(HERE, name="other"))

    with pytest.raises(NameTaken):
        store.ownership.reassign([to(ours, HERE)], replace_empty=True)

    assert observed(store, owner("crm")) == ours


def test_workspace_that_hands_over_is_not_replaced(sql: Store) -> None:
    ours, theirs = create(sql, owner("crm")), create(sql, HERE, mode=Mode.ID_ONLY)
    env = people_in(sql, theirs)
    env.add("1")
    accept(env)
    Sender(env).begin_all()
    env.delete(id="1")

    with pytest.raises(Conflict, match="still hands over 1 message; try again in 30 s"):
        sql.ownership.reassign([to(ours, HERE)], replace_empty=True)

    assert observed(sql, HERE) == theirs
