"""The resources on which a person must act, as the heartbeat of their cluster brings them into the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from workspace_operator.application.operator.controller import Controller, resource_key
from workspace_operator.application.ports import StalledResources
from workspace_operator.resources.statuses import ConditionStatus, ConditionType

MAX_NAMES: Final = 10
"""Names of a kind and reason; all are counted."""

MAX_MESSAGE: Final = 1000
"""Characters of a message."""


def stalled_resources(controllers: Sequence[Controller]) -> Sequence[StalledResources]:
    """The Stalled resources that the controllers know, by kind and reason."""
    return [stalled for controller in controllers for stalled in _of_kind(controller)]


def _of_kind(controller: Controller) -> Sequence[StalledResources]:
    by_reason = defaultdict[str, list[tuple[str, str]]](list)
    for document in sorted(controller.documents(), key=resource_key):
        conditions = {each["type"]: each for each in (document.get("status") or {}).get("conditions") or ()}
        if _is_stalled(conditions):
            ready = conditions[ConditionType.READY]
            by_reason[ready["reason"]].append(("/".join(resource_key(document)), ready["message"]))
    return [
        StalledResources(
            kind=controller.resource.kind,
            reason=reason,
            count=len(found),
            names=tuple(name for name, _ in found[:MAX_NAMES]),
            message=found[0][1][:MAX_MESSAGE],
        )
        for reason, found in sorted(by_reason.items())
    ]


def _is_stalled(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    stalled = conditions.get(ConditionType.STALLED, {})
    return stalled.get("status") == ConditionStatus.TRUE and ConditionType.READY in conditions
