"""What the state machine drives beside the model: the pure rules, each store behind its ports, HTTP."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from tests.model.harness.commands import AnyCommand
from tests.model.harness.snapshots import State, person_shown, suppressed_shown
from tests.model.reference.records import CommandOutcome, Refused, Value
from workspace_operator.application.people.command_execution import CommandOrError
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.model.results import CommandResultOrError as PortAnswer
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.identity.values.rules import IdentityRules, Mode


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """An answer to each ask, and the cio_ids of the people who were made, in that order."""

    answers: Sequence[CommandOutcome]
    created: Sequence[str]


class Driver(Protocol):
    """One workspace somewhere."""

    def perform(self, commands: Sequence[AnyCommand], *, now: int) -> BatchResult:
        """Carry asks out in their order, at one moment."""
        ...

    def visible(self, answer: CommandOutcome) -> CommandOutcome:
        """What of an answer can be seen here."""
        ...

    def state(self) -> State:
        """Look at everything that can be seen here."""
        ...

    def update_settings(self, rules: IdentityRules) -> None:
        """Change settings; the mode stays."""
        ...

    def change_mode(self, rules: IdentityRules) -> None:
        """Change the mode as well, which nothing stands in the way of."""
        ...


class JournallingDriver(Driver, Protocol):
    """One that remembers merges."""

    def undo(self, number: int, *, now: int) -> set[Value] | None:
        """Take the merge with this place in the journal back; what is not free, None if it cannot be."""
        ...


@dataclass
class PurePeople:
    """The rules on a population, without any store."""

    rules: IdentityRules
    working_set: WorkingSet = field(init=False)
    new_cio_id: Callable[[], str] = field(init=False)

    def __post_init__(self) -> None:
        numbers = count(1)
        self.working_set = WorkingSet(mode=self.rules.mode)
        self.new_cio_id = lambda: f"{next(numbers):08x}"

    def perform(self, commands: Sequence[AnyCommand], *, now: int) -> BatchResult:
        answers = [self._answer(command, now) for command in commands]
        self.working_set.mark_clean()
        return batch_result(answers)

    def _answer(self, command: AnyCommand, now: int) -> PortAnswer:
        try:
            call = command(self.rules.mode)
        except InvalidInput as error:
            return error
        return handle(self.rules, self.working_set, call, now=now, new_cio_id=self.new_cio_id)

    def visible(self, answer: CommandOutcome) -> CommandOutcome:
        return answer

    def state(self) -> State:
        return {
            "people": {cio_id: person_shown(each) for cio_id, each in self.working_set.people.items()},
            "owners": {f"{kind}:{key}": cio_id for (kind, key), cio_id in self.working_set.owners.items()},
            "suppressed": suppressed_shown(groups(suppressions_of(self.working_set))),
        }

    def update_settings(self, rules: IdentityRules) -> None:
        self.rules = rules

    def change_mode(self, rules: IdentityRules) -> None:
        people, suppressions = self.working_set.people.values(), suppressions_of(self.working_set)
        self.working_set = WorkingSet(mode=rules.mode, people=people, suppressions=suppressions)
        self.rules = rules


def made(commands: Sequence[AnyCommand]) -> Sequence[CommandOrError]:
    """The commands as the ports take them; an error for one that cannot be made."""

    def made_or_error(command: AnyCommand) -> CommandOrError:
        try:
            return command(Mode.EMAIL_OR_ID)
        except InvalidInput as error:
            return error

    return list(map(made_or_error, commands))


def batch_result(answers: Sequence[PortAnswer]) -> BatchResult:
    """Answers as the ports give them."""
    return BatchResult(
        answers=[answer_of(each) for each in answers], created=[each for each in map(created_by, answers) if each]
    )


def answer_of(answer: PortAnswer) -> CommandOutcome:
    """One of them."""
    if not isinstance(answer, CommandResult):
        return CommandOutcome(effect=None)
    refused = tuple(Refused(kind=each.kind, value=each.value, reason=each.reason) for each in answer.refusals)
    return CommandOutcome(effect=answer.effect, reason=answer.reason, refused=refused)


def created_by(answer: PortAnswer) -> str | None:
    """The cio_id of who was made for an ask."""
    if not isinstance(answer, CommandResult) or answer.person is None or answer.before is not None:
        return None
    return answer.person.cio_id


def suppressions_of(working_set: WorkingSet) -> list[Suppression]:
    """Everything that is blocked, with the suppressions that hold it."""
    return [
        Suppression(kind=kind, key=key, suppression_id=each)
        for (kind, key), holders in working_set.suppressed.items()
        for each in holders
    ]


def groups(suppressions: Collection[Suppression]) -> list[list[IdentifierKey]]:
    """What is held by each suppression."""
    return [
        [(each.kind, each.key) for each in suppressions if each.suppression_id == name]
        for name in {each.suppression_id for each in suppressions}
    ]
