"""A display name is one name in every Unicode form; older conflicting names stay in effect."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.store.backends import Store
from tests.store.fixtures import create, observe, observed, owner
from workspace_operator.errors import NameTaken
from workspace_operator.reconcile.model.actions import ChangeOwner, UpdateSettings
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.store.schema.tables import workspace
from workspace_operator.workspaces.model import Settings, Workspace

COMPOSED, DECOMPOSED = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "Cafe\N{COMBINING ACUTE ACCENT}"


def give_name(store: Store, of: Workspace, name: str) -> Workspace:
    """Set a name like a version that compared names exactly."""
    if isinstance(store.workspaces, FakeWorkspaces):
        store.workspaces.memory.directory.save(replace(of, settings=replace(of.settings, display_name=name)))
    else:
        statement = (
            sa.update(workspace)
            .where(workspace.c.workspace_id == of.workspace_id)
            .values(display_name=name, name_key=comparison_key(name))
        )
        store.sql_database.writing(lambda connection: connection.execute(statement))
    return observed(store, of.owner)


@pytest.fixture
def namesakes(store: Store) -> tuple[Workspace, Workspace]:
    """Two workspaces of one account with the same comparison key, the older one first."""
    older = create(store, owner("a"), display_name=COMPOSED)
    return older, give_name(store, create(store, owner("b"), display_name="B"), DECOMPOSED)


def update_settings(store: Store, of: Workspace, settings: Settings) -> None:
    action = UpdateSettings(workspace_id=of.workspace_id, row_version=of.row_version, settings=settings)
    store.workspaces.apply(action, now=store.clock())


def test_other_form_of_a_taken_name_is_refused(store: Store) -> None:
    create(store, owner("a"), display_name=COMPOSED)
    other = create(store, owner("b"), display_name="B")

    with pytest.raises(NameTaken):
        create(store, owner("c"), display_name=DECOMPOSED)
    with pytest.raises(NameTaken):
        update_settings(store, other, Settings(display_name=DECOMPOSED))


def test_other_form_of_a_taken_name_is_held(store: Store) -> None:
    holder = create(store, owner("a"), display_name=COMPOSED)

    seen = observe(store, owner("b"), display_name=DECOMPOSED)

    assert seen.name_holder is not None
    assert seen.name_holder.workspace == holder


def test_own_name_may_change_its_form(store: Store) -> None:
    mine = create(store, owner("a"), display_name=COMPOSED)

    assert observe(store, owner("a"), display_name=DECOMPOSED).name_holder is None
    update_settings(store, mine, Settings(display_name=DECOMPOSED))

    assert observed(store, owner("a")).settings.display_name == DECOMPOSED


def test_older_twin_has_the_name(store: Store, namesakes: tuple[Workspace, Workspace]) -> None:
    older, _ = namesakes

    assert observe(store, owner("a"), display_name=COMPOSED).name_holder is None
    held = observe(store, owner("b"), display_name=DECOMPOSED).name_holder
    assert held is not None
    assert held.workspace == older


def test_younger_twin_has_it_once_the_older_is_renamed(store: Store, namesakes: tuple[Workspace, Workspace]) -> None:
    older, _ = namesakes

    update_settings(store, older, Settings(display_name="A"))

    assert observe(store, owner("b"), display_name=DECOMPOSED).name_holder is None
    assert observe(store, owner("a"), display_name=COMPOSED).name_holder is not None


def test_twins_keep_what_they_have(store: Store, namesakes: tuple[Workspace, Workspace]) -> None:
    older, younger = namesakes

    update_settings(store, older, replace(older.settings, color="112233"))
    update_settings(store, younger, replace(younger.settings, color="112233"))
    take_over = ChangeOwner(
        workspace_id=younger.workspace_id, row_version=younger.row_version + 1, owner=owner("b", uid="new")
    )
    store.workspaces.apply(take_over, now=store.clock())

    assert observed(store, owner("b")).settings == replace(younger.settings, color="112233")


def test_twin_may_not_take_the_very_form_of_the_other(store: Store, namesakes: tuple[Workspace, Workspace]) -> None:
    older, younger = namesakes

    assert observe(store, owner("a"), display_name=DECOMPOSED).name_holder is not None
    with pytest.raises(NameTaken):
        update_settings(store, older, Settings(display_name=DECOMPOSED))
    with pytest.raises(NameTaken):
        update_settings(store, younger, Settings(display_name=COMPOSED))


def test_name_is_refused_where_a_workspace_moves_to(store: Store) -> None:
    create(store, owner("a"), display_name=COMPOSED)
    elsewhere = create(store, owner("b", namespace="other"), display_name=DECOMPOSED)

    move = ChangeOwner(workspace_id=elsewhere.workspace_id, row_version=elsewhere.row_version, owner=owner("b"))
    with pytest.raises(NameTaken):
        store.workspaces.apply(move, now=store.clock())
