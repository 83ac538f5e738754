"""Carrying out any call on a population (identity-rules §3 to §6)."""

from collections.abc import Callable
from typing import TypeAlias, assert_never

from workspace_operator.identity.command_handlers.activity_handlers import (
    add_device,
    delete_device,
    record_anonymous_event,
    record_event,
    set_membership,
)
from workspace_operator.identity.command_handlers.suppression import delete, suppress, unsuppress
from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.merges.explicit_merge import merge
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    Identify,
    MergePeople,
    SetMembership,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
)
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import IdentityRules

NewCioID: TypeAlias = Callable[[], str]
"""Makes a cio_id that nobody has ever had."""

_UpsertCommand: TypeAlias = Identify | TrackEvent | AddDevice
_AttachedCommand: TypeAlias = TrackAnonymousEvent | DeleteDevice | SetMembership


def handle(
    rules: IdentityRules, working_set: WorkingSet, command: Command, *, now: int, new_cio_id: NewCioID
) -> CommandResult:
    """Carry out one call; it cannot fail, whatever stands in the way is an outcome.

    Args:
        rules: the settings in force; their mode is the population's.
        working_set: at least what `lock_set_of` names; it is changed, and its trail grows.
        command: what is asked for.
        now: Unix seconds.
        new_cio_id: also names suppressions; in EmailOnly it becomes the generated id.
    """
    match command:
        case Identify() | TrackEvent() | AddDevice():
            return _handle_upsert(rules, working_set, command, now=now, new_cio_id=new_cio_id)
        case MergePeople():
            return merge(working_set, command, now=now)
        case DeletePerson():
            return delete(working_set, command.reference, now=now)
        case Suppress():
            return suppress(working_set, command.reference, suppression_id=new_cio_id(), now=now)
        case Unsuppress():
            return unsuppress(working_set, command.reference)
        case _:
            return _handle_attached(working_set, command, now=now)


def _handle_upsert(
    rules: IdentityRules, working_set: WorkingSet, command: _UpsertCommand, *, now: int, new_cio_id: NewCioID
) -> CommandResult:
    """Calls that may make somebody."""
    match command:
        case Identify():
            return identify(rules, working_set, command, now=now, new_cio_id=new_cio_id)
        case TrackEvent():
            return record_event(rules, working_set, command, now=now, new_cio_id=new_cio_id)
        case AddDevice():
            return add_device(rules, working_set, command, now=now, new_cio_id=new_cio_id)
        case _:
            assert_never(command)


def _handle_attached(working_set: WorkingSet, command: _AttachedCommand, *, now: int) -> CommandResult:
    """Calls that make nobody and change nobody, but what hangs on them."""
    match command:
        case TrackAnonymousEvent():
            return record_anonymous_event(working_set, command, now=now)
        case DeleteDevice():
            return delete_device(working_set, command)
        case SetMembership():
            return set_membership(working_set, command)
        case _:
            assert_never(command)
