"""Dispatch of a command to its handler (identity-rules §3 to §6)."""

from collections.abc import Callable
from typing import TypeAlias, assert_never

from workspace_operator.identity.command_handlers import activity_handlers, suppression
from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.merges.explicit_merge import merge
from workspace_operator.identity.model import commands
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import IdentityRules

NewCioID: TypeAlias = Callable[[], str]
"""Generates a unique cio_id."""


def handle(  # noqa: C901 - one line a kind of command
    rules: IdentityRules, working_set: WorkingSet, command: commands.Command, *, now: int, new_cio_id: NewCioID
) -> CommandResult:
    """Execute one command at ``now`` in Unix seconds. It raises no errors: every command has a result.

    The rules are those in force, with the mode of the working set. The working set contains at least what `lock_set_of`
    names; the function changes it and appends events. ``new_cio_id`` generates cio_ids and suppression ids; in
    EmailOnly a cio_id also becomes the generated id.
    """
    match command:
        case commands.Identify():
            return identify(rules, working_set, command, now=now, new_cio_id=new_cio_id)
        case commands.TrackEvent():
            return activity_handlers.record_event(rules, working_set, command, now=now, new_cio_id=new_cio_id)
        case commands.AddDevice():
            return activity_handlers.add_device(rules, working_set, command, now=now, new_cio_id=new_cio_id)
        case commands.MergePeople():
            return merge(working_set, command, now=now)
        case commands.DeletePerson():
            return suppression.delete(working_set, command.reference, now=now)
        case commands.Suppress():
            return suppression.suppress(working_set, command.reference, suppression_id=new_cio_id(), now=now)
        case commands.Unsuppress():
            return suppression.unsuppress(working_set, command.reference)
        case commands.TrackAnonymousEvent():
            return activity_handlers.record_anonymous_event(working_set, command, now=now)
        case commands.DeleteDevice():
            return activity_handlers.delete_device(working_set, command)
        case commands.SetMembership():
            return activity_handlers.set_membership(working_set, command)
        case _ as never:
            assert_never(never)
