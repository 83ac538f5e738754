"""The form of a new rule."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.cleanups.rules import parse_rule
from workspace_operator.cleanups.rules import StoredRule
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import PageRequest
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.rules import DAYS, NEVER, RuleForm
from workspace_operator.console.views.formats import visible
from workspace_operator.errors import InvalidInput

MAX_DAYS: Final = 10_000

MAX_TYPED: Final = 2_000
"""Characters of a field that a page shows again."""

NAMES: Final[Mapping[str, str]] = {
    field: text(f"rules.{field}") for field in ("action", "max_people", "equal_attributes", "suffix")
}
"""What the fields are called on the page."""


def add_rule(dependencies: Dependencies, request: PageRequest) -> StoredRule:
    """Have the rule of a form counted. Raises InvalidInput and Conflict."""
    rule = parse_rule(_parts(request, dependencies.cleanup_lists.clock()), NAMES)
    _, stored = dependencies.rule_maker.add(request.workspace_id, rule, actor=request.actor)
    return stored


def typed_form(request: PageRequest, error: InvalidInput) -> RuleForm:
    """The form as it was sent, with what is wrong."""
    fields = ("action", "max_people", "equal_attributes", "calls", "days", "suffix")
    return RuleForm(
        **{field: visible(_typed(request, field), limit=MAX_TYPED) for field in fields},
        error=visible(str(error), limit=500),
        wrong=next((field for field, name in NAMES.items() if name == error.field), error.field),
    )


def _parts(request: PageRequest, now: datetime) -> Mapping[str, object]:
    """The parts of the rule; an empty field is none."""
    max_people, names = _typed(request, "max_people"), _typed(request, "equal_attributes").split(",")
    return {
        "action": _typed(request, "action"),
        "max_people": _whole_number(max_people) if max_people else None,
        "equal_attributes": [name.strip() for name in names if name.strip()],
        "not_called_since": _not_called_since(request, now),
        "suffix": _typed(request, "suffix"),
    }


def _not_called_since(request: PageRequest, now: datetime) -> int | None:
    """Unix seconds; 0 for people whom no call has named, and None for any calls."""
    match _typed(request, "calls"):
        case "":
            return None
        case value if value == NEVER:
            return 0
        case _:
            days = _whole_number(typed := _typed(request, DAYS))
            if not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
                raise InvalidInput(f"{typed!r} is no number of days from 1 to {MAX_DAYS}", field=DAYS)
            return int((now - timedelta(days=days)).timestamp())


def _typed(request: PageRequest, name: str) -> str:
    return request.form.get(name, ("",))[-1].strip()


def _whole_number(typed: str) -> int | str:
    """The number; the text as it is if it is none."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else typed
