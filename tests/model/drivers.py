"""What the state machine drives beside the model: the pure rules, each store behind its ports, HTTP."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from tests.model.asks import AnySaid
from tests.model.records import Answer, Refused, Value
from tests.model.states import State, person_shown, suppressed_shown
from workspace_operator.application.ports import Answer as PortAnswer
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Population, Suppression
from workspace_operator.identity.reasons import OTHERS
from workspace_operator.identity.references import IdentifierKey
from workspace_operator.identity.rules import IdentityRules


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An answer to each ask, and the cio_ids of the people who were made, in that order."""

    answers: Sequence[Answer]
    made: Sequence[str]


class Driver(Protocol):
    """One workspace somewhere."""

    def perform(self, asks: Sequence[AnySaid], *, now: int) -> Heard:
        """Carry asks out in their order, at one moment."""
        ...

    def visible(self, answer: Answer) -> Answer:
        """What of an answer can be seen here."""
        ...

    def state(self) -> State:
        """Look at everything that can be seen here."""
        ...

    def put_in_force(self, rules: IdentityRules) -> None:
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
    population: Population = field(init=False)
    new_cio_id: Callable[[], str] = field(init=False)

    def __post_init__(self) -> None:
        numbers = count(1)
        self.population = Population(mode=self.rules.mode)
        self.new_cio_id = lambda: f"{next(numbers):08x}"

    def perform(self, asks: Sequence[AnySaid], *, now: int) -> Heard:
        answers = [self._answer(ask, now) for ask in asks]
        self.population.settle()
        return heard(answers)

    def _answer(self, ask: AnySaid, now: int) -> PortAnswer:
        try:
            call = ask(self.rules.mode)
        except InvalidInput as error:
            return error
        return perform(self.rules, self.population, call, now=now, new_cio_id=self.new_cio_id)

    def visible(self, answer: Answer) -> Answer:
        return answer

    def state(self) -> State:
        return {
            "people": {cio_id: person_shown(each) for cio_id, each in self.population.people.items()},
            "owners": {f"{kind}:{key}": cio_id for (kind, key), cio_id in self.population.owners.items()},
            "suppressed": suppressed_shown(groups(suppressions_of(self.population))),
        }

    def put_in_force(self, rules: IdentityRules) -> None:
        self.rules = rules

    def change_mode(self, rules: IdentityRules) -> None:
        people, suppressions = self.population.people.values(), suppressions_of(self.population)
        self.population = Population(mode=rules.mode, people=people, suppressions=suppressions)
        self.rules = rules


def heard(answers: Sequence[PortAnswer]) -> Heard:
    """Answers as the ports give them."""
    return Heard(answers=[answer_of(each) for each in answers], made=[each for each in map(made_for, answers) if each])


def answer_of(answer: PortAnswer) -> Answer:
    """One of them; what would have been refused of a call that is rejected says nothing."""
    if not isinstance(answer, Outcome):
        return Answer(effect=None)
    if answer.effect is Effect.REJECTED:
        return Answer(effect=answer.effect)
    refused = frozenset(
        Refused(kind=each.kind, value=each.value, is_taken=each.reason == OTHERS) for each in answer.refusals
    )
    return Answer(effect=answer.effect, refused=refused)


def made_for(answer: PortAnswer) -> str | None:
    """The cio_id of who was made for an ask."""
    if not isinstance(answer, Outcome) or answer.person is None or answer.before is not None:
        return None
    return answer.person.cio_id


def suppressions_of(population: Population) -> list[Suppression]:
    """Everything that is blocked, with the suppressions that hold it."""
    return [
        Suppression(kind=kind, key=key, suppression_id=each)
        for (kind, key), holders in population.blocked.items()
        for each in holders
    ]


def groups(suppressions: Collection[Suppression]) -> list[list[IdentifierKey]]:
    """What is held by each suppression."""
    return [
        [(each.kind, each.key) for each in suppressions if each.suppression_id == name]
        for name in {each.suppression_id for each in suppressions}
    ]
