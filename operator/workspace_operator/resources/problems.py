"""What is wrong with a document, as values: every problem with the path of its field."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.errors import InvalidInput

FieldPath = tuple[str | int, ...]
"""Steps from the root of a document: names of fields and numbers of list entries."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong. ``path`` is spelled as the API server does; empty for the whole document."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidResource(InvalidInput):
    """A document that is not a valid resource; holds every problem, its text lists them all."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)), field=problems[0].path)
        self.problems = tuple(problems)


MAX_STEP_LENGTH = 317
"""Characters of a name in a path; Kubernetes allows so many for an annotation's."""


def format_path(path: FieldPath) -> str:
    """A path as the API server spells it, such as ``status.conditions[0].type``; an endless name is shortened."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{truncated(step, MAX_STEP_LENGTH)}" for step in path)
    return "".join(steps).removeprefix(".")


def truncated(text: str, limit: int = 40) -> str:
    """A text, cut where it would fill a message."""
    return text if len(text) <= limit else f"{text[:limit]}…"
