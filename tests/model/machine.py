"""The state machine: whatever is said, the model and what is driven beside it answer alike and look alike."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model import words
from tests.model.asks import AnySaid, Name, Said, SaidOfPerson, SaidToGo, SaidToMerge
from tests.model.drivers import Driver, JournallingDriver
from tests.model.people import People
from tests.model.records import Answer, Someone
from tests.model.states import differences, state_of
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import UnsuppressCall
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, EmailUpdates, IdentityRules, IDUpdates, Mode

START = 1_700_000_000

PLACES = st.tuples(st.integers(0, 9), st.integers(0, 9))
D = TypeVar("D", bound=Driver)


class TwoOpinions(RuleBasedStateMachine, Generic[D]):
    """One workspace, seen by the model and by the driver."""

    model: People
    driver: D

    def drive(self, rules: IdentityRules) -> D:
        """A new workspace of what is driven."""
        raise NotImplementedError

    @initialize(rules=words.RULES, newcomers=words.newcomers(), told=st.lists(words.belongings(), max_size=5))
    def make_workspace(self, rules: IdentityRules, newcomers: list[AnySaid], told: list[AnySaid]) -> None:
        self.now = START
        self.model, self.driver = People(rules), self.drive(rules)
        self.say(newcomers)
        self.say(told)

    @rule(ask=words.identifies())
    def identify(self, ask: AnySaid) -> None:
        self.say([ask])

    @rule(ask=words.plain_identifies())
    def identify_plainly(self, ask: AnySaid) -> None:
        self.say([ask])

    @rule(asks=st.lists(words.plain_identifies(), min_size=2, max_size=5))
    def identify_several(self, asks: list[AnySaid]) -> None:
        self.say(asks)

    @precondition(lambda self: self.model.people)
    @rule(places=PLACES, body=words.ATTRIBUTES, by_id=st.booleans())
    def say_that_two_are_one(self, places: tuple[int, int], body: dict[str, Any], *, by_id: bool) -> None:
        """Name one by id or email, with the other one's email or id in the body."""
        one, other = self.known(places)
        kind, text, told = (ID, one.id, {"email": other.email}) if by_id else (EMAIL, one.email, {"id": other.id})
        self.say([SaidOfPerson(name=Name(kind=kind, text=text or ""), body={**told, **body})])

    def known(self, places: tuple[int, int]) -> list[Someone]:
        """People who are there."""
        everybody = list(self.model.people.values())
        return [everybody[place % len(everybody)] for place in places]

    @precondition(lambda self: self.model.suppressions)
    @rule(place=st.integers(0, 9))
    def free_what_is_blocked(self, place: int) -> None:
        group = self.model.suppressions[place % len(self.model.suppressions)]
        kind, key = sorted(group)[place % len(group)]
        self.say([SaidToGo(name=Name(kind=kind, text=key), verb=UnsuppressCall)])

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
    @rule(really=st.sampled_from([True, False, False]))
    def change_mode(self, *, really: bool) -> None:
        """To what identity-rules §7 lists, if nothing stands in the way."""
        from_ = self.model.rules.mode
        to = Mode.ID_ONLY if from_ is Mode.EMAIL_OR_ID else Mode.EMAIL_OR_ID
        if really and (to is Mode.ID_ONLY or not any(self.model.violations().values())):
            self.model.rules = replace(self.model.rules, mode=to)
            self.driver.change_mode(self.model.rules)

    @invariant()
    def both_look_alike(self) -> None:
        found = differences(state_of(self.model), self.driver.state())
        assert found == {}, found

    def say(self, asks: Sequence[AnySaid]) -> None:
        """Let both hear the same, first what is driven, which names the newcomers."""
        resolved = [self.sayable(ask.resolved(self.model.cio_ids, self.now)) for ask in asks]
        heard = self.driver.perform(resolved, now=self.now)
        made = deque(heard.made)
        expected = [self.driver.visible(self.answer(ask, made)) for ask in resolved]
        assert list(heard.answers) == expected, (heard.answers, expected)
        assert not made, f"these are nobody: {made}"

    def sayable(self, ask: AnySaid) -> AnySaid:
        """What of an ask can be said here."""
        return ask

    def answer(self, ask: AnySaid, made: deque[str]) -> Answer:
        """What the model says; whoever it makes is the first of those who were made."""
        try:
            call = ask.read(self.model.rules.mode)
        except InvalidInput:
            call = None
        if call is None:
            return Answer(effect=None)
        known = len(self.model.cio_ids)
        answer = self.model.perform(call, now=self.now, cio_id=made[0] if made else "nobody")
        if len(self.model.cio_ids) > known:
            assert made, f"only the model makes somebody: {ask}"
            made.popleft()
        return answer


class TwoOpinionsOfMerges(TwoOpinions[JournallingDriver]):
    """The same where merges are remembered."""

    @precondition(lambda self: len(self.model.people) > 1)
    @rule(places=PLACES, meanwhile=st.lists(words.identifies() | words.belongings(), max_size=2), parts=st.booleans())
    def merge_known(self, places: tuple[int, int], meanwhile: list[AnySaid], *, parts: bool) -> None:
        """Make one of two who are there, and perhaps two again when something was said of them."""
        one, other = (Name(kind=CIO_ID, text=each.cio_id) for each in self.known(places))
        self.say([SaidToMerge(name=one, other=other)])
        self.say([replace(ask, name=one) if isinstance(ask, Said) else ask for ask in meanwhile])
        if parts and self.model.journal:
            self.undo(0)

    @precondition(lambda self: self.model.journal)
    @rule(number=st.integers(0, 5))
    def undo(self, number: int) -> None:
        """The newest, or one of those before."""
        place = len(self.model.journal) - 1 - number % len(self.model.journal)
        assert self.driver.undo(place, now=self.now) == self.model.undo(place, self.now)
