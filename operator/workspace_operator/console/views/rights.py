"""What the viewer may not do, in words: the button stays, and says who may."""

from dataclasses import dataclass
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.overviews.viewers import SeenWorkspace
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import visible

MAX_NAMED: Final = 5
"""Addresses that a refusal names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Whether the viewer may do something; why not, as a sentence, if not."""

    is_granted: bool
    refusal: str = ""


def right(seen: SeenWorkspace, permission: Permission) -> Right:
    """Whether the viewer of a workspace has a permission."""
    if seen.decision.allows(permission):
        return Right(is_granted=True)
    return Right(is_granted=False, refusal=" ".join((text(f"refused.{permission}"), named_people(seen, permission))))


def named_people(seen: SeenWorkspace, permission: Permission) -> str:
    """Who has a permission, as a sentence; empty if nobody is known to have it."""
    named = [visible(address) for address in seen.people_with(permission)[:MAX_NAMED]]
    return text("error.refused_people", people=", ".join(named)) if named else ""
