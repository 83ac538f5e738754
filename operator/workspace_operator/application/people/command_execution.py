"""The use case that executes commands about people: load, decide and flush, in one unit of work."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from workspace_operator.application.ports import UnitOfWork, UnitsOfWork
from workspace_operator.errors import InvalidInput, ModeChanged
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.commands import Command, Suppress, Unsuppress, in_mode
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.identity.values.rules import Mode

RecordCalls: TypeAlias = Callable[[int, Sequence[str], int], object]
"""Records that calls of clients named people of a workspace, by cio_id, at a time in Unix seconds."""

CommandOrError: TypeAlias = Command | InvalidInput
"""A command, or the error why there is none; the error is then also the result."""


def execute_commands(
    units: UnitsOfWork,
    workspace_id: int,
    commands: Sequence[CommandOrError],
    *,
    now: int,
    expected_mode: Mode | None = None,
    record_calls: RecordCalls | None = None,
) -> Sequence[CommandResultOrError]:
    """Execute commands in order, in one transaction, under the rules in force.

    Args:
        units: the people of workspaces, or a dry run, which writes nothing.
        workspace_id: the workspace of the people.
        commands: their references are resolved in the mode in force.
        now: Unix seconds.
        expected_mode: the mode for which the commands were made, if they depend on the mode.
        record_calls: records whom the commands named, if the workspace wants that; None if no client calls.

    Returns:
        One result per command.

    Raises:
        NotFound: there is no such workspace.
        ModeChanged: another mode than the expected one is in force; no command was executed.
    """
    named: list[str] = []

    def execute(unit: UnitOfWork) -> list[CommandResultOrError]:
        rules = unit.rules
        if expected_mode not in (None, rules.mode):
            raise ModeChanged(rules.mode)
        resolved = [_resolve(command, rules.mode) for command in commands]
        valid = [command for command in resolved if not isinstance(command, InvalidInput)]
        loaded = unit.load(valid)
        results = [
            handle(rules, loaded.working_set, command, now=now, new_cio_id=new_cio_id)
            for command, new_cio_id in zip(valid, loaded.new_cio_ids, strict=True)
        ]
        unit.flush(now=now)
        if record_calls is not None and unit.records_calls:
            named[:] = [result.person.cio_id for result in results if result.person is not None]
        remaining = iter(results)
        return [command if isinstance(command, InvalidInput) else next(remaining) for command in resolved]

    # A suppression can concern a command that does not name the value, so no lock of identifiers would exclude that.
    exclusive = any(isinstance(command, Suppress | Unsuppress) for command in commands)
    executed = units.run_unit_of_work(workspace_id, execute, exclusive=exclusive)
    if record_calls is not None and named:
        record_calls(workspace_id, named, now)
    return executed


def _resolve(command: CommandOrError, mode: Mode) -> CommandOrError:
    if isinstance(command, InvalidInput):
        return command
    try:
        return in_mode(command, mode)
    except InvalidInput as error:
        return error
