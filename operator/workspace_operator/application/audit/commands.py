"""Commands of members of staff: each is recorded in the transaction that executes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Actor, AuditAction, AuditEntry, Detail, UnitOfWork, UnitsOfWork
from workspace_operator.identity.model.commands import DeletePerson, Identify, MergePeople, Suppress, Unsuppress
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values.rules import IdentityRules

T = TypeVar("T")

RecordedCommand = DeletePerson | Suppress | Unsuppress | MergePeople | Identify
"""A command that changes one person, or merges two."""

_ACTIONS: Final[Mapping[Effect, AuditAction]] = {
    Effect.DELETED: AuditAction.DELETED,
    Effect.SUPPRESSED: AuditAction.SUPPRESSED,
    Effect.UNSUPPRESSED: AuditAction.UNSUPPRESSED,
    Effect.MERGED: AuditAction.MERGED,
    Effect.UPDATED: AuditAction.CORRECTED,
}


def execute_recorded(
    units: UnitsOfWork, workspace_id: int, command: RecordedCommand, *, actor: Actor, now: int
) -> CommandResultOrError:
    """Execute a command as `execute_commands` does, and record its effect in the same transaction.

    A command without an effect is not recorded. An identifier that nobody has is not named: only its kind is.

    Raises:
        NotFound: there is no such workspace.
    """

    def entry_of(results: Any) -> AuditEntry | None:
        [result] = results
        if not isinstance(result, CommandResult) or result.effect not in _ACTIONS:
            return None
        return AuditEntry(
            workspace_id=workspace_id,
            at=datetime.fromtimestamp(now, UTC),
            actor=actor,
            action=_ACTIONS[result.effect],
            subject="identifier" if result.person is None else f"person {result.person.cio_id}",
            detail=_detail(command, result),
        )

    # An identify command may otherwise be committed before an entry can be written.
    recorded = _RecordedUnits(units=units, entry_of=entry_of, is_exclusive=isinstance(command, Identify))
    [result] = execute_commands(recorded, workspace_id, [command], now=now)
    return result


def _detail(command: RecordedCommand, result: CommandResult) -> Detail:
    """What an entry says beside the person: never a value of theirs."""
    if result.secondary is not None:
        return {"secondary": result.secondary.cio_id}
    if isinstance(command, DeletePerson | Suppress | Unsuppress):
        return {"kind": command.reference.kind.value}
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordedUnits:
    """Implements the port ``UnitsOfWork``: each unit of work also writes the entry of its result, if it has one.

    Attributes:
        is_exclusive: whether no other unit of work on the workspace may run at the same time.
    """

    units: UnitsOfWork
    entry_of: Callable[[Any], AuditEntry | None]
    is_exclusive: bool = False

    def rules(self, workspace_id: int) -> IdentityRules:
        """The identity rules in force. Raises NotFound."""
        return self.units.rules(workspace_id)

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
        """Run ``work``, and write its entry before the commit. Raises NotFound."""

        def recorded(unit: UnitOfWork) -> T:
            result = work(unit)
            if (entry := self.entry_of(result)) is not None:
                unit.record(entry)
            return result

        return self.units.run_unit_of_work(workspace_id, recorded, exclusive=exclusive or self.is_exclusive)
