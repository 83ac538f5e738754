"""Problems of a document, each a message with the path of a field; and the names of fields."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.errors import InvalidInput

FieldPath = tuple[str | int, ...]
"""The steps from the root of a document: field names and list indexes."""

ALIASES = {
    "workspace_id": "workspaceID",
    "store_id": "storeID",
    "without_id": "withoutID",
    "people_without_id": "peopleWithoutID",
    "from_mode": "from",
    "to_mode": "to",
    "sender": "from",
}
"""Aliases that differ from the camelCase form of the Python name."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """A problem. ``path`` has the format of the API server; it is empty for the whole document."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidResource(InvalidInput):
    """A document is not a valid resource; its text lists every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)), field=problems[0].path)
        self.problems = tuple(problems)


MAX_STEP_LENGTH = 317
"""Characters of a name in a path: the longest annotation key that Kubernetes allows."""


def format_path(path: FieldPath) -> str:
    """A path in the format of the API server, such as ``status.conditions[0].type``; long names are cut."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{truncated(step, MAX_STEP_LENGTH)}" for step in path)
    return "".join(steps).removeprefix(".")


def truncated(text: str, limit: int = 40) -> str:
    """A text, cut to a limit of characters."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def field_alias(field: str) -> str:
    """The name of a field in documents: the camelCase form of its Python name."""
    first, *others = field.split("_")
    return ALIASES.get(field) or first + "".join(word.capitalize() for word in others)
