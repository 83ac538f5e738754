"""The use case that executes commands, on people in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from tests.fakes.people.people import FakePeople
from tests.people.fixtures import NOW, ImportEnv
from workspace_operator.application.people.command_execution import CommandOrError, execute_commands
from workspace_operator.application.ports import UnitOfWork
from workspace_operator.errors import InvalidInput, ModeChanged
from workspace_operator.identity.model.commands import Command, DeletePerson, Suppress, Unsuppress, identify_from_fields
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.references import parse_reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode

T = TypeVar("T")

ONE = reference_of_kind("1", IdentifierKind.ID)


@dataclass(frozen=True, slots=True)
class ExclusivityRecorder(FakePeople):
    """Records whether units of work were exclusive."""

    exclusive: list[bool] = field(default_factory=list)

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
        self.exclusive.append(exclusive)
        return FakePeople.run_unit_of_work(self, workspace_id, work, exclusive=exclusive)


def test_errors_take_the_place_of_their_commands() -> None:
    env = ImportEnv.of(Mode.ID_ONLY)
    wrong, email = InvalidInput("no such row"), reference_of_kind("a@x.org", IdentifierKind.EMAIL)
    commands: list[CommandOrError] = [
        wrong,
        identify_from_fields(ONE, {}),
        DeletePerson(reference=email),
        identify_from_fields(ONE, {}),
    ]

    error, created, refused, repeated = execute_commands(env.people, env.number, commands, now=NOW)

    assert error is wrong
    assert isinstance(created, CommandResult)
    assert created.effect is Effect.CREATED
    assert "email is no identifier in mode IDOnly" in str(refused)
    assert isinstance(repeated, CommandResult)
    assert repeated.effect is Effect.UNCHANGED


def test_references_are_resolved_in_the_mode_in_force() -> None:
    env = ImportEnv.of(Mode.ID_ONLY)

    execute_commands(env.people, env.number, [identify_from_fields(parse_reference("a@x.org"), {})], now=NOW)

    assert env.get(id="a@x.org").email is None


def test_other_mode_than_expected_executes_nothing() -> None:
    env = ImportEnv.of(Mode.ID_ONLY)

    with pytest.raises(ModeChanged) as caught:
        execute_commands(
            env.people, env.number, [identify_from_fields(ONE, {})], now=NOW, expected_mode=Mode.EMAIL_ONLY
        )

    assert caught.value.mode is Mode.ID_ONLY
    assert env.find(id="1") is None


@pytest.mark.parametrize(
    ("command", "exclusive"),
    [(identify_from_fields(ONE, {}), False), (Suppress(reference=ONE), True), (Unsuppress(reference=ONE), True)],
    ids=["identify", "suppress", "unsuppress"],
)
def test_suppressions_exclude_other_units_of_work(command: Command, *, exclusive: bool) -> None:
    env = ImportEnv.of()
    people = ExclusivityRecorder(env.memory)

    execute_commands(people, env.number, [identify_from_fields(ONE, {}), command], now=NOW)

    assert people.exclusive == [exclusive]
