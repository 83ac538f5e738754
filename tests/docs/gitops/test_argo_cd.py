"""The health scripts for Argo CD, run by a real Lua."""

from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

from tests.reconcile.status_readers import flux_refusals, kstatus
from workspace_operator.resources.parsing import status_problems, validate_manifest
from workspace_operator.resources.schema import ACCOUNT, WORKSPACE, CustomResource
from workspace_operator.resources.workspaces import GROUP

CUSTOMIZATIONS = Path(__file__).resolve().parents[3] / "manifests" / "argo-cd"
KINDS = {
    WORKSPACE: {"Healthy", "Progressing", "Degraded", "Suspended"},
    ACCOUNT: {"Healthy", "Progressing", "Degraded"},
}
"""The resources, and the states of health that each can have."""


def folder_of(kind: CustomResource) -> Path:
    return CUSTOMIZATIONS / GROUP / kind.kind


def cases_of(kind: CustomResource) -> Any:
    return yaml.safe_load((folder_of(kind) / "health_test.yaml").read_text(encoding="utf-8"))["tests"]


CASES = [pytest.param(kind, test, id=f"{kind.kind} {test['inputPath']}") for kind in KINDS for test in cases_of(kind)]


def condition(type_: str, status: str) -> dict[str, str]:
    return {"type": type_, "status": status, "message": f"{type_} is {status}"}


READY = condition("Ready", "True")
NOT_READY = condition("Ready", "False")
OF_KSTATUS = {"Healthy": "Current", "Progressing": "InProgress", "Degraded": "Failed", "Suspended": "Failed"}


STATES = [
    pytest.param([READY], "Healthy", id="everything in force"),
    pytest.param([NOT_READY, condition("Reconciling", "True")], "Progressing", id="change under way"),
    pytest.param([NOT_READY, condition("Stalled", "True")], "Degraded", id="change blocked"),
]
SUSPENDED = [
    pytest.param([READY, condition("Suspended", "True")], "Healthy", id="suspended, everything in force"),
    pytest.param(
        [NOT_READY, condition("Stalled", "True"), condition("Suspended", "True")], "Suspended", id="suspended"
    ),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize(("conditions", "health"), STATES)
def test_health_follows_conditions(kind: CustomResource, conditions: list[dict[str, str]], health: str) -> None:
    found = health_of(kind, {"observedGeneration": 2, "conditions": conditions})

    assert found["status"] == health
    assert found["message"] == conditions[0]["message"]


@pytest.mark.parametrize(("conditions", "health"), SUSPENDED)
def test_suspended_workspace_is_told_from_one_that_is_stuck(conditions: list[dict[str, str]], health: str) -> None:
    found = health_of(WORKSPACE, {"observedGeneration": 2, "conditions": conditions})

    assert found["status"] == health
    assert found["message"] == conditions[0]["message"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize(
    "status",
    [
        pytest.param(None, id="no status"),
        pytest.param({"observedGeneration": -1}, id="never visited"),
        pytest.param({"observedGeneration": 1, "conditions": [READY]}, id="an older generation"),
    ],
)
def test_unseen_generation_is_progressing(kind: CustomResource, status: dict[str, Any] | None) -> None:
    found = health_of(kind, status)

    assert found["status"] == "Progressing"


def health_of(kind: CustomResource, status: dict[str, Any] | None) -> Any:
    """What the script says of a resource of generation 2."""
    return run_script(kind, {"metadata": {"generation": 2}} | ({"status": status} if status else {}))


def run_script(kind: CustomResource, document: dict[str, Any]) -> Any:
    """What the script says of a resource, which Argo CD gives it as ``obj``."""
    lua = lupa.LuaRuntime()
    lua.globals()["obj"] = lua.table_from(document, recursive=True)
    return lua.execute((folder_of(kind) / "health.lua").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("kind", "test"), CASES)
def test_test_data_of_argo_cd_passes(kind: CustomResource, test: dict[str, Any]) -> None:
    document = yaml.safe_load((folder_of(kind) / test["inputPath"]).read_text(encoding="utf-8"))

    found = run_script(kind, document)

    assert {"status": found["status"], "message": found["message"]} == test["healthStatus"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_file_of_test_data_is_used(kind: CustomResource) -> None:
    files = {str(file.relative_to(folder_of(kind))) for file in (folder_of(kind) / "testdata").iterdir()}

    assert files == {test["inputPath"] for test in cases_of(kind)}
    assert {test["healthStatus"]["status"] for test in cases_of(kind)} == KINDS[kind]


@pytest.mark.parametrize(("kind", "test"), CASES)
def test_test_data_is_what_the_operator_writes(kind: CustomResource, test: dict[str, Any]) -> None:
    """The API server admits it, Flux's checker finds nothing wrong, and kstatus comes to the same result."""
    document = yaml.safe_load((folder_of(kind) / test["inputPath"]).read_text(encoding="utf-8"))
    generation, status = document["metadata"]["generation"], document["status"]

    assert validate_manifest(document, resource=kind) == []
    assert status_problems(status, kind) == []
    # Between an edit and the operator's next write, Ready is about the generation before.
    assert status["observedGeneration"] != generation or list(flux_refusals(generation, status)) == []
    assert kstatus(generation, status, deleting=False) == OF_KSTATUS[test["healthStatus"]["status"]]
