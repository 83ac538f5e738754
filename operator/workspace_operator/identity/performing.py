"""Carrying out any call on a population (identity-rules §3 to §6)."""

from collections.abc import Callable
from typing import TypeAlias, assert_never

from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    Call,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    IdentifyCall,
    MergeCall,
    SegmentCall,
    SuppressCall,
    UnsuppressCall,
)
from workspace_operator.identity.merging import merge
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.population import Population
from workspace_operator.identity.recording import (
    add_device,
    delete_device,
    join_or_leave,
    record_anonymous_event,
    record_event,
)
from workspace_operator.identity.removals import delete, suppress, unsuppress
from workspace_operator.identity.resolve import identify
from workspace_operator.identity.rules import IdentityRules

NewCioID: TypeAlias = Callable[[], str]
"""Makes a cio_id that nobody has ever had."""

_Making: TypeAlias = IdentifyCall | EventCall | AddDeviceCall
_Belonging: TypeAlias = AnonymousEventCall | DeleteDeviceCall | SegmentCall


def perform(rules: IdentityRules, population: Population, call: Call, *, now: int, new_cio_id: NewCioID) -> Outcome:
    """Carry out one call; it cannot fail, whatever stands in the way is an outcome.

    Args:
        rules: the settings in force; their mode is the population's.
        population: at least what `keys_of` names; it is changed, and its trail grows.
        call: what is asked for.
        now: Unix seconds.
        new_cio_id: also names suppressions; in EmailOnly it becomes the generated id.
    """
    match call:
        case IdentifyCall() | EventCall() | AddDeviceCall():
            return _make(rules, population, call, now=now, new_cio_id=new_cio_id)
        case MergeCall():
            return merge(population, call, now=now)
        case DeleteCall():
            return delete(population, call.reference, now=now)
        case SuppressCall():
            return suppress(population, call.reference, suppression_id=new_cio_id(), now=now)
        case UnsuppressCall():
            return unsuppress(population, call.reference)
        case _:
            return _hang(population, call, now=now)


def _make(rules: IdentityRules, population: Population, call: _Making, *, now: int, new_cio_id: NewCioID) -> Outcome:
    """Calls that may make somebody."""
    match call:
        case IdentifyCall():
            return identify(rules, population, call, now=now, new_cio_id=new_cio_id)
        case EventCall():
            return record_event(rules, population, call, now=now, new_cio_id=new_cio_id)
        case AddDeviceCall():
            return add_device(rules, population, call, now=now, new_cio_id=new_cio_id)
        case _:
            assert_never(call)


def _hang(population: Population, call: _Belonging, *, now: int) -> Outcome:
    """Calls that make nobody and change nobody, but what hangs on them."""
    match call:
        case AnonymousEventCall():
            return record_anonymous_event(population, call, now=now)
        case DeleteDeviceCall():
            return delete_device(population, call)
        case SegmentCall():
            return join_or_leave(population, call)
        case _:
            assert_never(call)
