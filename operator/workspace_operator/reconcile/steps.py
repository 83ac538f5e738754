"""What a rule may ask for, and how an ordered chain of rules is asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from workspace_operator.reconcile.plan import Action, Event, SecretAction
from workspace_operator.reconcile.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """The resource may go: our finalizer comes off, and its status is left as it is."""

    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveAlone:
    """This resource is no longer ours to look after."""


Step = Action | SecretAction | Verdict | LetGo | LeaveAlone

Facts = TypeVar("Facts")


def first_of(rules: Iterable[Callable[[Facts], Step | None]], facts: Facts) -> Step | None:
    """What the first rule that fires asks for, in the order given; None if none does."""
    return next((step for rule in rules if (step := rule(facts)) is not None), None)
