"""The use case that executes commands about people: load, decide, flush and commit, in one unit of work."""

from collections.abc import Sequence
from typing import TypeAlias

from workspace_operator.application.ports import UnitOfWork, UnitsOfWork
from workspace_operator.errors import InvalidInput, ModeChanged
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.commands import Command, Suppress, Unsuppress, in_mode
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.identity.values.rules import Mode

CommandOrError: TypeAlias = Command | InvalidInput
"""A command. An error stands for a command that could not be made, and is its own result."""


def execute_commands(
    units: UnitsOfWork,
    workspace_id: int,
    commands: Sequence[CommandOrError],
    *,
    now: int,
    expected_mode: Mode | None = None,
) -> Sequence[CommandResultOrError]:
    """Execute commands in order, in one transaction, under the rules in force; returns one result per command.

    Their references are resolved in the mode in force; ``expected_mode`` is the one that they were made for, if they
    depend on it. ``now`` is in Unix seconds.

    Raises:
        NotFound: there is no such workspace.
        ModeChanged: another mode than the expected one is in force; no command was executed.
    """

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
        remaining = iter(results)
        return [command if isinstance(command, InvalidInput) else next(remaining) for command in resolved]

    # A suppressed value concerns every other command, also one that does not name it.
    exclusive = any(isinstance(command, Suppress | Unsuppress) for command in commands)
    return units.run_unit_of_work(workspace_id, execute, exclusive=exclusive)


def _resolve(command: CommandOrError, mode: Mode) -> CommandOrError:
    if isinstance(command, InvalidInput):
        return command
    try:
        return in_mode(command, mode)
    except InvalidInput as error:
        return error
