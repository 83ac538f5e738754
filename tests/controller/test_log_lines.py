"""One line for each change that is made, each conflict and each error; none for a visit that changed nothing."""

import json
import logging
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.controller.fixtures import ControllerEnv
from workspace_operator.bootstrap.logs import JSONFormatter
from workspace_operator.resources.schema import ACCOUNT, WORKSPACE, CustomResource
from workspace_operator.resources.workspaces import CONFIRM_DELETE

LOGGER = "workspace_operator.application.operator.controller"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger=LOGGER)
    return caplog


def messages(lines: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and text of each line, without the duration."""
    found = [(record.levelname, record.getMessage().partition(" duration_ms=")[0]) for record in lines.records]
    lines.clear()
    return found


def test_change_is_one_line(env: ControllerEnv, lines: pytest.LogCaptureFixture) -> None:
    env.update(env.apply("shop"))
    made = messages(lines)
    env.update(env.apply("shop", color="222222"))

    actions = "CreateWorkspace,RotateCredentials"
    assert made == [("INFO", f"namespace=team-a name=shop generation=1 actions={actions} ready=True reason=InForce")]
    assert messages(lines) == [
        ("INFO", "namespace=team-a name=shop generation=2 actions=UpdateSettings ready=True reason=InForce")
    ]


def test_reconcile_without_a_change_is_no_line(env: ControllerEnv, lines: pytest.LogCaptureFixture) -> None:
    env.update(env.apply("shop"))
    lines.clear()

    env.poll_after(601)

    assert messages(lines) == []


def test_conflict_is_a_warning_once(env: ControllerEnv, lines: pytest.LogCaptureFixture) -> None:
    env.update(env.apply("shop"))
    lines.clear()

    env.update(env.apply("twin", displayName="shop"))
    env.poll_after(2)

    assert messages(lines) == [
        ("WARNING", "namespace=team-a name=twin generation=1 actions=none ready=False reason=NameConflict")
    ]


def test_destruction_is_logged_with_its_people(
    env: ControllerEnv, lines: pytest.LogCaptureFixture, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="workspace_operator.application.operator.reconciler")
    env.update(env.apply("shop", deletionPolicy="Delete"))
    [workspace] = env.workspaces.list()
    env.update(deleting(env))
    unconfirmed = messages(lines)

    env.update(deleting(env, {CONFIRM_DELETE: "shop"}))

    start = "namespace=team-a name=shop"
    assert "ready=False reason=DeletionNotConfirmed" in unconfirmed[-1][1]
    destroyed, ended = messages(lines)
    assert destroyed == ("INFO", f"{start} reason=WorkspaceDestroyed workspace={workspace.workspace_id} people=0")
    assert ended[0] == "INFO"
    assert "DeleteWorkspace" in ended[1]
    assert "ready=" not in ended[1]
    assert "reason=" not in ended[1]


@pytest.mark.parametrize("kind", [WORKSPACE, ACCOUNT])
def test_comparison_of_a_list_names_the_kind(
    env: ControllerEnv, lines: pytest.LogCaptureFixture, kind: CustomResource
) -> None:
    env.controller.resource = kind

    env.add_existing(env.apply("shop"))

    assert lines.messages[0].startswith(f"compared 1 listed {kind.kind} resources with the store: 0 are unchanged")


def test_error_names_the_resource(
    env: ControllerEnv, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(env.workspaces), "observe", broken)

    env.update(env.apply("shop"))

    [record] = lines.records
    assert (record.levelname, record.getMessage()) == (
        "ERROR",
        "namespace=team-a name=shop: the reconcile failed and will be retried",
    )


@pytest.mark.parametrize("kind", [WORKSPACE, ACCOUNT])
def test_line_has_the_kind_of_the_resource(
    env: ControllerEnv, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: CustomResource
) -> None:
    monkeypatch.setattr(lines.handler, "formatter", JSONFormatter())
    env.controller.resource = kind

    env.update(env.apply("shop"))

    [line] = [json.loads(text) for text in lines.text.splitlines()]
    assert (line["kind"], line["namespace"], line["name"]) == (kind.kind, "team-a", "shop")


def deleting(env: ControllerEnv, annotations: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    """The resource of the API server, with the mark of a deletion."""
    document = env.resources.documents["team-a", "shop"]
    version = str(int(document["metadata"]["resourceVersion"]) + 1)
    mark = {"deletionTimestamp": "2026-05-01T12:00:00Z", "resourceVersion": version, "annotations": annotations or {}}
    document["metadata"] |= mark
    return deepcopy(document)


def broken(*_: object) -> None:
    raise ValueError("a fault")
