"""The state machine: whatever is said, the model and what is driven beside it answer alike and look alike."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.harness import strategies
from tests.model.harness.commands import (
    AnyCommand,
    IdentifyCommand,
    MergeCommand,
    Name,
    PersonCommand,
    RemovalCommand,
)
from tests.model.harness.drivers import Driver, JournallingDriver
from tests.model.harness.snapshots import differences, state_of
from tests.model.reference.people import People
from tests.model.reference.records import CommandOutcome, ModelPerson
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import Unsuppress
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, EmailUpdates, IdentityRules, IDUpdates, Mode

START = 1_700_000_000

INDEXES = st.tuples(st.integers(0, 9), st.integers(0, 9))
D = TypeVar("D", bound=Driver)


class ModelComparison(RuleBasedStateMachine, Generic[D]):
    """One workspace, seen by the model and by the driver."""

    model: People
    driver: D

    def drive(self, rules: IdentityRules) -> D:
        """A new workspace of what is driven."""
        raise NotImplementedError

    @initialize(
        rules=strategies.RULES,
        newcomers=strategies.newcomers(),
        told=st.lists(strategies.record_commands(), max_size=5),
    )
    def make_workspace(self, rules: IdentityRules, newcomers: list[AnyCommand], told: list[AnyCommand]) -> None:
        self.now = START
        self.model, self.driver = People(rules), self.drive(rules)
        self.run(newcomers)
        self.run(told)

    @rule(command=strategies.identifies())
    def identify(self, command: AnyCommand) -> None:
        self.run([command])

    @rule(command=strategies.plain_identifies())
    def identify_plainly(self, command: AnyCommand) -> None:
        self.run([command])

    @rule(asks=st.lists(strategies.plain_identifies(), min_size=2, max_size=5))
    def identify_several(self, asks: list[AnyCommand]) -> None:
        self.run(asks)

    @precondition(lambda self: self.model.people)
    @rule(places=INDEXES, body=strategies.ATTRIBUTES, by_id=st.booleans())
    def identify_both(self, places: tuple[int, int], body: dict[str, Any], *, by_id: bool) -> None:
        """Name one by id or email, with the other one's email or id in the body."""
        one, other = self.known(places)
        kind, text, told = (ID, one.id, {"email": other.email}) if by_id else (EMAIL, one.email, {"id": other.id})
        self.run([IdentifyCommand(name=Name(kind=kind, text=text or ""), body={**told, **body})])

    def known(self, places: tuple[int, int]) -> list[ModelPerson]:
        """People who are there."""
        everybody = list(self.model.people.values())
        return [everybody[place % len(everybody)] for place in places]

    @precondition(lambda self: self.model.suppressions)
    @rule(place=st.integers(0, 9))
    def unsuppress_blocked(self, place: int) -> None:
        group = self.model.suppressions[place % len(self.model.suppressions)]
        kind, key = sorted(group)[place % len(group)]
        self.run([RemovalCommand(name=Name(kind=kind, text=key), verb=Unsuppress)])

    @rule(command=strategies.removals())
    def remove(self, command: AnyCommand) -> None:
        self.run([command])

    @rule(command=strategies.merges())
    def merge(self, command: AnyCommand) -> None:
        self.run([command])

    @rule(command=strategies.record_commands())
    def add_record(self, command: AnyCommand) -> None:
        self.run([command])

    @rule(asks=st.lists(strategies.commands(), min_size=2, max_size=6))
    def run_several(self, asks: list[AnyCommand]) -> None:
        self.run(asks)

    @rule(seconds=st.sampled_from([1, 60, 3 * 10**9]))
    def advance_time(self, seconds: int) -> None:
        self.now = min(self.now + seconds, strategies.LATER + 1000)

    @rule(
        email_updates=st.sampled_from(EmailUpdates),
        id_updates=st.sampled_from(IDUpdates),
        merge_multi_identifier=st.booleans(),
    )
    def update_settings(
        self, *, email_updates: EmailUpdates, id_updates: IDUpdates, merge_multi_identifier: bool
    ) -> None:
        self.model.rules = replace(
            self.model.rules,
            email_updates=email_updates,
            id_updates=id_updates,
            merge_multi_identifier=merge_multi_identifier,
        )
        self.driver.update_settings(self.model.rules)

    @precondition(lambda self: self.model.people)
    @rule(really=st.sampled_from([True, False, False]))
    def change_mode(self, *, really: bool) -> None:
        """To what identity-rules §7 lists, if nothing stands in the way."""
        from_ = self.model.rules.mode
        to = Mode.ID_ONLY if from_ is Mode.EMAIL_OR_ID else Mode.EMAIL_OR_ID
        if really and (to is Mode.ID_ONLY or not any(self.model.violations().values())):
            self.model.rules = replace(self.model.rules, mode=to)
            self.driver.change_mode(self.model.rules)

    @invariant()
    def states_match(self) -> None:
        found = differences(state_of(self.model), self.driver.state())
        assert found == {}, found

    def run(self, asks: Sequence[AnyCommand]) -> None:
        """Let both hear the same, first what is driven, which names the newcomers."""
        resolved = [self.adapted(command.resolved(self.model.cio_ids, self.now)) for command in asks]
        heard = self.driver.perform(resolved, now=self.now)
        created = deque(heard.created)
        expected = [self.driver.visible(self.answer(command, created)) for command in resolved]
        assert list(heard.answers) == expected, (heard.answers, expected)
        assert not created, f"these are nobody: {created}"

    def adapted(self, command: AnyCommand) -> AnyCommand:
        """What of an ask can be said here."""
        return command

    def answer(self, command: AnyCommand, created: deque[str]) -> CommandOutcome:
        """What the model says; whoever it makes is the first of those who were made."""
        try:
            call = command.read(self.model.rules.mode)
        except InvalidInput:
            call = None
        if call is None:
            return CommandOutcome(effect=None)
        known = len(self.model.cio_ids)
        answer = self.model.perform(call, now=self.now, cio_id=created[0] if created else "nobody")
        if len(self.model.cio_ids) > known:
            assert created, f"only the model makes somebody: {command}"
            created.popleft()
        return answer


class MergeComparison(ModelComparison[JournallingDriver]):
    """The same where merges are remembered."""

    @precondition(lambda self: len(self.model.people) > 1)
    @rule(
        places=INDEXES,
        between=st.lists(strategies.identifies() | strategies.record_commands(), max_size=2),
        parts=st.booleans(),
    )
    def merge_known(self, places: tuple[int, int], between: list[AnyCommand], *, parts: bool) -> None:
        """Make one of two who are there, and perhaps two again when something was said of them."""
        one, other = (Name(kind=CIO_ID, text=each.cio_id) for each in self.known(places))
        self.run([MergeCommand(name=one, other=other)])
        self.run([replace(command, name=one) if isinstance(command, PersonCommand) else command for command in between])
        if parts and self.model.journal:
            self.undo(0)

    @precondition(lambda self: self.model.journal)
    @rule(number=st.integers(0, 5))
    def undo(self, number: int) -> None:
        """The newest, or one of those before."""
        place = len(self.model.journal) - 1 - number % len(self.model.journal)
        assert self.driver.undo(place, now=self.now) == self.model.undo(place, self.now)
