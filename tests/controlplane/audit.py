"""What was written to the API server, told by the server itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

# Reads are left out: they are many, and a test that counts writes wants a log that stays small.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {
            "level": "Metadata",
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
        },
        {"level": "None"},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One writing request. `subresource` is empty for the object itself; `code` is HTTP's."""

    verb: str
    user: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        target = event.get("objectRef", {})
        return cls(
            verb=event["verb"],
            user=event["user"]["username"],
            resource=target.get("resource", ""),
            subresource=target.get("subresource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            code=event.get("responseStatus", {}).get("code", 0),
        )


def writes(log: Path) -> Iterator[Write]:
    """All writes so far, oldest first. A line that is being written just now is left for the next time."""
    if log.exists():
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield Write.from_event(json.loads(line))
