"""The health script for Argo CD, run by a real Lua."""

from pathlib import Path
from typing import Any

import lupa
import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "manifests" / "argo-cd" / "health.lua"


def condition(type_: str, status: str) -> dict[str, str]:
    return {"type": type_, "status": status, "message": f"{type_} is {status}"}


READY = condition("Ready", "True")
NOT_READY = condition("Ready", "False")


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
    lua = lupa.LuaRuntime()
    lua.globals()["obj"] = lua.table_from(
        {"metadata": {"generation": 2}} | ({"status": status} if status else {}), recursive=True
    )
    return lua.execute(SCRIPT.read_text(encoding="utf-8"))
