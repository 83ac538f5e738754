"""The state machine: whatever is said, the model and what is driven beside it answer alike and look alike."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model import words
from tests.model.asks import AnySaid
from tests.model.drivers import Driver, Seen
from tests.model.people import People
from tests.model.records import Answer
from tests.model.states import differences, state_of
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.rules import EmailUpdates, IdentityRules, IDUpdates, Mode

START = 1_700_000_000


class TwoOpinions(RuleBasedStateMachine):
    """One workspace, seen by the model and by the driver."""

    model: People
    driver: Driver

    def drive(self, rules: IdentityRules) -> Driver:
        """A new workspace of what is driven."""
        raise NotImplementedError

    @initialize(rules=words.RULES, newcomers=words.newcomers())
    def make_workspace(self, rules: IdentityRules, newcomers: list[AnySaid]) -> None:
        self.now = START
        self.model, self.driver = People(rules), self.drive(rules)
        self.say(newcomers)

    @rule(ask=words.identifies())
    def identify(self, ask: AnySaid) -> None:
        self.say([ask])

    @rule(ask=words.plain_identifies())
    def identify_plainly(self, ask: AnySaid) -> None:
        self.say([ask])

    @rule(asks=st.lists(words.plain_identifies(), min_size=2, max_size=5))
    def identify_several(self, asks: list[AnySaid]) -> None:
        self.say(asks)

    @rule(ask=words.removals())
    def remove(self, ask: AnySaid) -> None:
        self.say([ask])

    @rule(ask=words.merges())
    def merge(self, ask: AnySaid) -> None:
        self.say([ask])

    @rule(ask=words.belongings())
    def hang_on_somebody(self, ask: AnySaid) -> None:
        self.say([ask])

    @rule(asks=st.lists(words.sayings(), min_size=2, max_size=6))
    def say_several(self, asks: list[AnySaid]) -> None:
        self.say(asks)

    @rule(seconds=st.sampled_from([1, 60, 3 * 10**9]))
    def let_time_pass(self, seconds: int) -> None:
        self.now = min(self.now + seconds, words.LATER + 1000)

    @rule(
        email_updates=st.sampled_from(EmailUpdates),
        id_updates=st.sampled_from(IDUpdates),
        merge_multi_identifier=st.booleans(),
    )
    def put_in_force(self, *, email_updates: EmailUpdates, id_updates: IDUpdates, merge_multi_identifier: bool) -> None:
        self.model.rules = replace(
            self.model.rules,
            email_updates=email_updates,
            id_updates=id_updates,
            merge_multi_identifier=merge_multi_identifier,
        )
        self.driver.put_in_force(self.model.rules)

    @precondition(lambda self: self.model.people)
    @rule()
    def change_mode(self) -> None:
        """To what identity-rules §7 lists, if nothing stands in the way."""
        from_ = self.model.rules.mode
        to = Mode.ID_ONLY if from_ is Mode.EMAIL_OR_ID else Mode.EMAIL_OR_ID
        if to is Mode.ID_ONLY or not self.model.is_violated():
            self.model.rules = replace(self.model.rules, mode=to)
            self.driver.change_mode(self.model.rules)

    @invariant()
    def both_look_alike(self) -> None:
        assert differences(state_of(self.model), self.driver.state()) == {}

    def say(self, asks: Sequence[AnySaid]) -> None:
        """Let both hear the same, first what is driven, which names the newcomers."""
        resolved = [ask.resolved(self.model.cio_ids, self.now) for ask in asks]
        seen = self.driver.perform(resolved, now=self.now)
        expected = [self.driver.visible(self.heard(*each)) for each in zip(resolved, seen, strict=True)]
        assert [each.answer for each in seen] == expected

    def heard(self, ask: AnySaid, seen: Seen) -> Answer:
        """What the model answers."""
        try:
            call = ask.read(self.model.rules.mode)
        except InvalidInput:
            call = None
        if call is None:
            return Answer(effect=None)
        return self.model.perform(call, now=self.now, cio_id=seen.made or "nobody")
