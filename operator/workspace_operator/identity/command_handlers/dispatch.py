"""Dispatch of a command to its handler (identity-rules §3 to §6)."""

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
"""Generates a unique cio_id."""

_UpsertCommand: TypeAlias = Identify | TrackEvent | AddDevice
_AttachedCommand: TypeAlias = TrackAnonymousEvent | DeleteDevice | SetMembership


def handle(
    rules: IdentityRules, working_set: WorkingSet, command: Command, *, now: int, new_cio_id: NewCioID
) -> CommandResult:
    """Execute one command. It raises no errors: every command has a result.

    Args:
        rules: the settings in force, with the mode of the working set.
        working_set: contains at least what `lock_set_of` names; the function changes it and appends events.
        command: the command.
        now: Unix seconds.
        new_cio_id: generates cio_ids and suppression ids; in EmailOnly a cio_id also becomes the generated id.
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
    """Execute a command that can create a person."""
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
    """Execute a command that changes only events, devices or memberships."""
    match command:
        case TrackAnonymousEvent():
            return record_anonymous_event(working_set, command, now=now)
        case DeleteDevice():
            return delete_device(working_set, command)
        case SetMembership():
            return set_membership(working_set, command)
        case _:
            assert_never(command)
