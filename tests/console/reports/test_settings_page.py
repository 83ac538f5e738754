"""The settings of a workspace: what is wanted, in force, and to be committed; nothing is written."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.console.cleanups.club import words_of
from tests.console.environment import HTML, ConsoleEnv, parsed
from tests.console.hostile import HOSTILE
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.manifests.settings_changes import SETTINGS, SettingsPlanner
from workspace_operator.errors import StatementTimeout
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.plan.diff import FIELDS, MODE
from workspace_operator.resources.manifests import load_manifests


@pytest.fixture
def club(env: ConsoleEnv) -> str:
    """The settings page of a workspace whose change two people block."""
    workspace = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    workspace.add_many({"a": "same@club.example", "b": "same@club.example"})
    workspace.migrate_to(Mode.EMAIL_OR_ID)
    return f"/w/{workspace.workspace_id}/settings"


def change(setting: str, **values: str) -> str:
    """The query of the form of a setting."""
    return "?" + urlencode(
        {"change": setting, **{f"spec.{path.replace('__', '.')}": value for path, value in values.items()}}
    )


def pre_texts(env: ConsoleEnv, path: str) -> list[str]:
    """The preformatted texts of a page."""
    return ["".join(element.itertext()) for element in parsed(env.installation().get(path)).iter(f"{HTML}pre")]


def test_every_setting_can_be_changed() -> None:
    paths = {field.path for fields in SETTINGS.values() for field in fields}

    assert paths >= {path for path, _ in FIELDS} | {MODE}


def test_wanted_and_in_force_differ_while_a_change_is_blocked(env: ConsoleEnv, club: str) -> None:
    said = words_of(env.installation().get(club))

    assert "Identifiers spec.identifiers.mode EmailOrID Change this: Identifiers IDOnly" in said
    assert "described by the Workspace resource team/" in said


def test_mode_says_since_when(env: ConsoleEnv) -> None:
    workspace = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    workspace.migrate_to(Mode.EMAIL_OR_ID)

    assert "EmailOrID since 1 Mar 2026" in words_of(env.installation().get(f"/w/{workspace.workspace_id}/settings"))


def test_change_prints_what_to_commit_and_what_it_does(env: ConsoleEnv, club: str) -> None:
    query = change("sendBehavior", sendBehavior__mode="Test", sendBehavior__testAddress="qa@club.example")

    yaml, effects = pre_texts(env, club + query)

    assert yaml == 'spec:\n  sendBehavior:\n    mode: Test\n    testAddress: "qa@club.example"'
    assert "set spec.sendBehavior.mode Normal → Test" in effects
    assert "blocked by 2 of 2 people" in effects


def test_plan_of_merging_says_who_merges_without_a_name(env: ConsoleEnv, club: str) -> None:
    query = change("identifiers", identifiers__mode="EmailOrID", identifiers__onConflict="Merge")

    effects = pre_texts(env, club + query)[1]

    assert "2 people share 1 address, and would be merged" in effects
    assert "1 person becomes part of another person" in effects
    assert "same@club.example" not in effects


def test_nothing_is_written(env: ConsoleEnv, club: str) -> None:
    before = env.store.workspaces.list()

    env.installation().get(club + change("color", color="B23A48"))

    assert env.store.workspaces.list() == before


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (change("sendBehavior", sendBehavior__mode="Test"), "spec.sendBehavior"),
        (change("color", color="red"), "spec.color"),
        (change("identifiers", identifiers__mode="EmailOnly"), "spec.identifiers.mode"),
        (change("displayName", displayName=""), "spec.displayName"),
    ],
)
def test_wrong_value_prints_no_manifest(env: ConsoleEnv, club: str, query: str, said: str) -> None:
    answer = env.installation().get(club + query)

    assert f"This change would be rejected: {said}" in words_of(answer)
    assert pre_texts(env, club + query) == []


def test_empty_text_removes_a_field(env: ConsoleEnv, club: str) -> None:
    assert (
        pre_texts(env, club + change("transport", sending__transport=" "))[0]
        == "spec:\n  sending:\n    transport: null"
    )


def test_unknown_setting_is_refused(env: ConsoleEnv, club: str) -> None:
    answer = env.installation().get(f"{club}?change=suspend")

    assert answer.status_code == 400
    assert "change 'suspend' is no setting: use one of displayName, color" in words_of(answer)


def test_other_fields_are_ignored(env: ConsoleEnv, club: str) -> None:
    assert pre_texts(env, f"{club}?change=color&spec.deletionPolicy=Delete") == []


def test_large_workspace_still_says_what_to_commit(env: ConsoleEnv, club: str) -> None:
    class Slow:
        def __getattr__(self, _name: str) -> Any:
            raise StatementTimeout("a read took longer than 2 seconds")

    planner = SettingsPlanner(previews=Slow(), clock=env.store.clock)
    slow = ConsoleEnv(store=env.store, options={"settings_planner": planner})

    said = words_of(slow.installation().get(club + change("color", color="B23A48")))

    assert 'color: "B23A48"' in said
    assert "Run workspacectl plan to see what the change would do." in said


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_value_of_the_form_is_a_value(env: ConsoleEnv, club: str, value: str) -> None:
    value = "".join(filter(str.isprintable, value))[:300].strip()

    page = parsed(env.installation().get(club + change("from", sending__from=value)))

    found = page.find(f".//{HTML}input[@name='spec.sending.from']")
    assert found is not None
    assert found.attrib["value"] == value


@pytest.mark.parametrize("name", ["Club", "Ключ", 'a "b" \\ c: #d', "no", "1e3", "Never"])
def test_printed_manifest_means_the_value(env: ConsoleEnv, club: str, tmp_path: Any, name: str) -> None:
    """As kubectl reads it: words such as ``no`` and numbers stay text."""
    [yaml, *_] = pre_texts(env, club + change("displayName", displayName=name))
    head = "apiVersion: workspace-operator.dev/v1alpha1\nkind: Workspace\nmetadata: {name: club}\n"
    (tmp_path / "club.yaml").write_text(head + yaml, encoding="utf-8")

    [manifest] = load_manifests(tmp_path / "club.yaml", recursive=False, may_be_empty=False).ours

    assert manifest.document["spec"] == {"displayName": name}
