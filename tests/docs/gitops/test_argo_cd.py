"""The health script for Argo CD, run by a real Lua."""

from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

from tests.reconcile.status_readers import flux_refusals, kstatus
from workspace_operator.resources.parsing import status_problems, validate_manifest
from workspace_operator.resources.workspaces import GROUP, KIND

CUSTOMIZATIONS = Path(__file__).resolve().parents[3] / "manifests" / "argo-cd"
FOLDER = CUSTOMIZATIONS / GROUP / KIND
SCRIPT = FOLDER / "health.lua"
TESTS = yaml.safe_load((FOLDER / "health_test.yaml").read_text(encoding="utf-8"))["tests"]


def condition(type_: str, status: str) -> dict[str, str]:
    return {"type": type_, "status": status, "message": f"{type_} is {status}"}


READY = condition("Ready", "True")
NOT_READY = condition("Ready", "False")
OF_KSTATUS = {"Healthy": "Current", "Progressing": "InProgress", "Degraded": "Failed", "Suspended": "Failed"}


@pytest.mark.parametrize(
    ("conditions", "health"),
    [
        pytest.param([READY], "Healthy", id="everything in force"),
        pytest.param([READY, condition("Suspended", "True")], "Healthy", id="suspended, everything in force"),
        pytest.param([NOT_READY, condition("Reconciling", "True")], "Progressing", id="change under way"),
        pytest.param([NOT_READY, condition("Stalled", "True")], "Degraded", id="change blocked"),
        pytest.param(
            [NOT_READY, condition("Stalled", "True"), condition("Suspended", "True")], "Suspended", id="suspended"
        ),
    ],
)
def test_health_follows_conditions(conditions: list[dict[str, str]], health: str) -> None:
    found = health_of({"observedGeneration": 2, "conditions": conditions})

    assert found["status"] == health
    assert found["message"] == conditions[0]["message"]


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(None, id="no status"),
        pytest.param({"observedGeneration": -1}, id="never visited"),
        pytest.param({"observedGeneration": 1, "conditions": [READY]}, id="an older generation"),
    ],
)
def test_unseen_generation_is_progressing(status: dict[str, Any] | None) -> None:
    found = health_of(status)

    assert found["status"] == "Progressing"


def health_of(status: dict[str, Any] | None) -> Any:
    """What the script says of a resource of generation 2."""
    return run_script({"metadata": {"generation": 2}} | ({"status": status} if status else {}))


def run_script(document: dict[str, Any]) -> Any:
    """What the script says of a resource, which Argo CD gives it as ``obj``."""
    lua = lupa.LuaRuntime()
    lua.globals()["obj"] = lua.table_from(document, recursive=True)
    return lua.execute(SCRIPT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test["inputPath"])
def test_test_data_of_argo_cd_passes(test: dict[str, Any]) -> None:
    document = yaml.safe_load((FOLDER / test["inputPath"]).read_text(encoding="utf-8"))

    found = run_script(document)

    assert {"status": found["status"], "message": found["message"]} == test["healthStatus"]


def test_every_file_of_test_data_is_used() -> None:
    files = {str(file.relative_to(FOLDER)) for file in (FOLDER / "testdata").iterdir()}

    assert files == {test["inputPath"] for test in TESTS}
    assert {test["healthStatus"]["status"] for test in TESTS} == {"Healthy", "Progressing", "Degraded", "Suspended"}


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test["inputPath"])
def test_test_data_is_what_the_operator_writes(test: dict[str, Any]) -> None:
    """The API server admits it, Flux's checker finds nothing wrong, and kstatus comes to the same result."""
    document = yaml.safe_load((FOLDER / test["inputPath"]).read_text(encoding="utf-8"))
    generation, status = document["metadata"]["generation"], document["status"]

    assert validate_manifest(document) == []
    assert status_problems(status) == []
    # Between an edit and the operator's next write, Ready is about the generation before.
    assert status["observedGeneration"] != generation or list(flux_refusals(generation, status)) == []
    assert kstatus(generation, status, deleting=False) == OF_KSTATUS[test["healthStatus"]["status"]]
