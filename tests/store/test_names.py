"""A display name is one name in every Unicode form; two that have been in force both ways stay so."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.fakes.workspaces import MemoryWorkspaces
from tests.store.adapters import Store
from tests.store.scenes import create, look, observed, owner
from workspace_operator.errors import NameTaken
from workspace_operator.reconcile.observed import Settings, StoredWorkspace
from workspace_operator.reconcile.plan import PutInForce, TakeOver
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.store.tables import workspace

COMPOSED, DECOMPOSED = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "Cafe\N{COMBINING ACUTE ACCENT}"


def give_name(store: Store, of: StoredWorkspace, name: str) -> StoredWorkspace:
    """Have a name in force as a version did that compared names to the letter."""
    if isinstance(store.workspaces, MemoryWorkspaces):
        store.workspaces.memory.rooms[of.workspace_id].write(settings=replace(of.settings, display_name=name))
    else:
        assert store.database is not None
        statement = (
            sa.update(workspace)
            .where(workspace.c.workspace_id == of.workspace_id)
            .values(display_name=name, name_key=comparison_key(name))
        )
        store.database.writing(lambda connection: connection.execute(statement))
    return observed(store, of.owner)


@pytest.fixture
def twins(store: Store) -> tuple[StoredWorkspace, StoredWorkspace]:
    """Two workspaces of one account that nobody can tell apart, the older one first."""
    older = create(store, owner("a"), display_name=COMPOSED)
    return older, give_name(store, create(store, owner("b"), display_name="B"), DECOMPOSED)


def put_in_force(store: Store, of: StoredWorkspace, settings: Settings) -> None:
    action = PutInForce(workspace_id=of.workspace_id, row_version=of.row_version, settings=settings)
    store.workspaces.carry_out(action, now=store.clock())


def test_other_form_of_a_taken_name_is_refused(store: Store) -> None:
    create(store, owner("a"), display_name=COMPOSED)
    other = create(store, owner("b"), display_name="B")

    with pytest.raises(NameTaken):
        create(store, owner("c"), display_name=DECOMPOSED)
    with pytest.raises(NameTaken):
        put_in_force(store, other, Settings(display_name=DECOMPOSED))


def test_other_form_of_a_taken_name_is_held(store: Store) -> None:
    holder = create(store, owner("a"), display_name=COMPOSED)

    seen = look(store, owner("b"), display_name=DECOMPOSED)

    assert seen.name_holder is not None
    assert seen.name_holder.workspace == holder


def test_own_name_may_change_its_form(store: Store) -> None:
    mine = create(store, owner("a"), display_name=COMPOSED)

    assert look(store, owner("a"), display_name=DECOMPOSED).name_holder is None
    put_in_force(store, mine, Settings(display_name=DECOMPOSED))

    assert observed(store, owner("a")).settings.display_name == DECOMPOSED


def test_older_twin_has_the_name(store: Store, twins: tuple[StoredWorkspace, StoredWorkspace]) -> None:
    older, _ = twins

    assert look(store, owner("a"), display_name=COMPOSED).name_holder is None
    held = look(store, owner("b"), display_name=DECOMPOSED).name_holder
    assert held is not None
    assert held.workspace == older


def test_younger_twin_has_it_once_the_older_is_renamed(
    store: Store, twins: tuple[StoredWorkspace, StoredWorkspace]
) -> None:
    older, _ = twins

    put_in_force(store, older, Settings(display_name="A"))

    assert look(store, owner("b"), display_name=DECOMPOSED).name_holder is None
    assert look(store, owner("a"), display_name=COMPOSED).name_holder is not None


def test_twins_keep_what_they_have(store: Store, twins: tuple[StoredWorkspace, StoredWorkspace]) -> None:
    older, younger = twins

    put_in_force(store, older, replace(older.settings, color="112233"))
    put_in_force(store, younger, replace(younger.settings, color="112233"))
    take_over = TakeOver(
        workspace_id=younger.workspace_id, row_version=younger.row_version + 1, owner=owner("b", uid="new")
    )
    store.workspaces.carry_out(take_over, now=store.clock())

    assert observed(store, owner("b")).settings == replace(younger.settings, color="112233")


def test_twin_may_not_take_the_very_form_of_the_other(
    store: Store, twins: tuple[StoredWorkspace, StoredWorkspace]
) -> None:
    older, younger = twins

    assert look(store, owner("a"), display_name=DECOMPOSED).name_holder is not None
    with pytest.raises(NameTaken):
        put_in_force(store, older, Settings(display_name=DECOMPOSED))
    with pytest.raises(NameTaken):
        put_in_force(store, younger, Settings(display_name=COMPOSED))


def test_name_is_refused_where_a_workspace_moves_to(store: Store) -> None:
    create(store, owner("a"), display_name=COMPOSED)
    elsewhere = create(store, owner("b", namespace="other"), display_name=DECOMPOSED)

    move = TakeOver(workspace_id=elsewhere.workspace_id, row_version=elsewhere.row_version, owner=owner("b"))
    with pytest.raises(NameTaken):
        store.workspaces.carry_out(move, now=store.clock())
