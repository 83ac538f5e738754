"""What a rule may ask for, and how an ordered chain of rules is asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from workspace_operator.reconcile.model.actions import Action, Event, SecretAction
from workspace_operator.reconcile.model.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFinalizer:
    """The resource may go: our finalizer comes off, and its status is left as it is."""

    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """This resource is no longer ours to look after."""


PolicyResult = Action | SecretAction | Outcome | RemoveFinalizer | Ignore

Context = TypeVar("Context")


def first_result(policies: Iterable[Callable[[Context], PolicyResult | None]], context: Context) -> PolicyResult | None:
    """What the first rule that fires asks for, in the order given; None if none does."""
    return next((result for policy in policies if (result := policy(context)) is not None), None)
