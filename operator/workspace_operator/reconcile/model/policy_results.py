"""The results of a policy, and the evaluation of an ordered chain of policies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from workspace_operator.reconcile.model.actions import Action, Event, SecretAction
from workspace_operator.reconcile.model.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFinalizer:
    """Remove our finalizer, so that the resource can be deleted; its status stays as it is."""

    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """Do nothing: the resource has no finalizer of ours and is being deleted."""


PolicyResult = Action | SecretAction | Outcome | RemoveFinalizer | Ignore

Context = TypeVar("Context")


def first_result(policies: Iterable[Callable[[Context], PolicyResult | None]], context: Context) -> PolicyResult | None:
    """The result of the first policy that has one, in the given order; None if none has."""
    return next((result for policy in policies if (result := policy(context)) is not None), None)
