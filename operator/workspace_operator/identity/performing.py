"""Carrying out any call on a population, and what has to be loaded for it (identity-rules §3 to §6)."""

from collections.abc import Callable
from typing import TypeAlias

from workspace_operator.identity import removals
from workspace_operator.identity.calls import Call, DeleteCall, IdentifyCall, SuppressCall, UnsuppressCall
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.population import Population
from workspace_operator.identity.resolve import identify
from workspace_operator.identity.rules import IdentityRules

NewCioID: TypeAlias = Callable[[], str]
"""Makes a cio_id that nobody has ever had."""


def perform(rules: IdentityRules, population: Population, call: Call, *, now: int, new_cio_id: NewCioID) -> Outcome:
    """Carry out one call; it cannot fail, whatever stands in the way is an outcome.

    Args:
        rules: the settings in force; their mode is the population's.
        population: at least what `resolve.keys_of` names; it is changed, and its trail grows.
        call: what is asked for.
        now: Unix seconds.
        new_cio_id: also names suppressions; in EmailOnly it becomes the generated id.
    """
    match call:
        case IdentifyCall():
            return identify(rules, population, call, now=now, new_cio_id=new_cio_id)
        case DeleteCall():
            return removals.delete(population, call.reference)
        case SuppressCall():
            return removals.suppress(population, call.reference, suppression_id=new_cio_id())
        case UnsuppressCall():
            return removals.unsuppress(population, call.reference)
    raise NotImplementedError
