"""What other tools make of a resource (kubernetes.md §2), written down from their sources, apart from ours."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def kstatus(generation: int, status: Json, *, deleting: bool) -> str:
    """The algorithm of kstatus for a custom resource: Terminating, InProgress, Failed or Current."""
    if deleting:
        return "Terminating"
    if status.get("observedGeneration", generation) != generation:
        return "InProgress"
    for condition in status.get("conditions", []):
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return "InProgress"
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return "Failed"
    ready = [each["status"] for each in status.get("conditions", []) if each["type"] == "Ready"]
    return "InProgress" if ready and ready[0] != "True" else "Current"


def flux_refusals(generation: int, status: Json) -> Iterator[str]:
    """What Flux's condition checker finds wrong with a status, in words."""
    conditions = status.get("conditions", [])
    by_type = {each["type"]: each for each in conditions}
    if len(by_type) != len(conditions):
        yield "a type appears twice"
    yield from _refusals_of_summary(by_type)
    observed = status.get("observedGeneration", 0)
    if observed > generation:
        yield "observedGeneration is above generation"
    if observed < generation and by_type.get("Ready", {}).get("status") == "True":
        yield "Ready is True for an older generation"
    for condition in conditions:
        if condition["observedGeneration"] != observed:
            yield f"{condition['type']} speaks of another generation than the root"


def _refusals_of_summary(by_type: dict[str, Json]) -> Iterator[str]:
    if "Ready" not in by_type:
        yield "Ready is missing"
        return
    ready = by_type["Ready"]["status"]
    beside = {kind for kind in ("Reconciling", "Stalled") if kind in by_type}
    if len(beside) == 2:
        yield "Reconciling and Stalled stand together"
    if ready == "True" and beside:
        yield f"{beside} while Ready is True"
    if "Stalled" in beside and ready != "False":
        yield "Ready is not False while Stalled"
    for kind in beside:
        if by_type[kind]["status"] != "True":
            yield f"{kind} is present without being True"
