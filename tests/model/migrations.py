"""The state machine, while the identifiers change: whatever comes between whichever steps of whichever worker.

The model knows nothing of stages and leases. What it knows is who stands in the way, what the switch makes of people,
and that nobody can tell what is folded.
"""

import sys
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.model import words
from tests.model.asks import AnySaid, Name, Said, SaidOfPerson, SaidToGo
from tests.model.changed_states import expected
from tests.model.changed_stores import ChangedPeople
from tests.model.changing import CHANGES, ChangingPeople, Listed
from tests.model.crews import SteppedWorker
from tests.model.machine import PLACES, START
from tests.model.records import Someone
from tests.model.states import (
    activities_shown,
    belongings_shown,
    differences,
    someone_shown,
    state_of,
)
from tests.model.watching import WatchedChanges
from workspace_operator.application.migrating import LEASE
from workspace_operator.identity.calls import DeleteCall, UnsuppressCall
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, IdentityRules, Kind
from workspace_operator.migrations.stages import Stage

MOST_STEPS = 60
"""More than any change of a few people takes, however small the batches."""

MOST_ROUNDS = 20
"""It is claimed anew after each rest."""

WORKERS = ("w1", "w2")
LEASE_ENDS = int(LEASE.total_seconds()) + 1
STAGES = st.sampled_from(
    [
        Stage.PREPARING,
        Stage.PREPARING,
        Stage.SWITCHED,
        Stage.SWITCHED,
        Stage.FOLDING,
        Stage.FOLDING,
        Stage.COMPLETED,
        Stage.BLOCKED,
    ]
)

CALLS = st.sampled_from(
    [
        "prepare_batch",
        "settle_batch",
        "is_obstructed",
        "switch",
        "start_folding",
        "fold_batch",
        "complete",
        "start_preparing",
        "check",
        "block",
    ]
)
PLACE = st.integers(0, 9)
WORDS = st.sampled_from(["cancel", "pause", "resume", "retry"])
Look: TypeAlias = tuple[str, int]
WHAT = ("who has their address", "what hangs on them", "id", "email", "cio_id")
LOOKS = st.tuples(st.sampled_from(WHAT), PLACE)
"""What to look for, and whose."""

Meanwhile: TypeAlias = list[tuple[str, AnySaid | Look | str]]
MEANWHILE = st.lists(st.tuples(CALLS, words.intrusions() | words.intrusions() | LOOKS | WORDS), max_size=4)
"""What is said, looked for, or asked of the change, and which of a worker's calls comes next then."""


class ChangingOpinions(WatchedChanges):
    """One workspace whose identifiers change, seen by the model and through the ports."""

    model: ChangingPeople
    driver: ChangedPeople
    is_late = False
    """Whether somebody is not folded yet."""

    def drive(self, rules: IdentityRules) -> ChangedPeople:
        raise NotImplementedError

    @initialize(
        rules=words.CHANGING_RULES,
        newcomers=words.sharers(),
        told=st.lists(words.belongings(), max_size=5),
        begun=st.sampled_from([Stage.SWITCHED, Stage.PREPARING, Stage.FOLDING, Stage.SWITCHED, None]),
        meanwhile=MEANWHILE,
    )
    def make_workspace(
        self,
        rules: IdentityRules,
        newcomers: list[AnySaid],
        told: list[AnySaid],
        begun: Stage | None,
        meanwhile: Meanwhile,
    ) -> None:
        """People, most of whom something hangs on, and perhaps a change that has come that far."""
        self.now = START
        self.model, self.driver = ChangingPeople(rules), self.drive(rules)
        migrations, clock = self.driver.store.migrations, self.driver.store.clock
        self.crew = {
            name: SteppedWorker(migrations=migrations, name=name, clock=clock, hear=self.hear) for name in WORKERS
        }
        self.holder, self.lease_ends, self.checked = "", START, {}
        self.say(newcomers)
        self.say([_of(place, each) for place, each in enumerate(told)])
        if begun is not None:
            self.work_up_to(begun, size=1, merges=True, mends=False, meanwhile=meanwhile)

    # --- what is asked of a change -------------------------------------------------------------------------------

    @rule(merges=st.sampled_from([True, True, False]))
    def request(self, *, merges: bool) -> None:
        to = CHANGES[self.model.rules.mode]
        if self.ask(lambda: self.driver.request(to, merges=merges), allowed=not self.model.is_changing):
            self.model.request(merges=merges)

    @precondition(lambda self: self.model.change)
    @rule(what=WORDS)
    def ask_of_change(self, what: str) -> None:
        change = self.model.change
        assert change is not None
        may_be_asked = change.is_open and not (what == "cancel" and change.switched)
        if self.ask(lambda: self.driver.ask(what), allowed=may_be_asked):
            change.is_open &= what != "cancel"
            change.is_paused = what == "pause" or (what != "resume" and change.is_paused)

    def change_mode(self, *, really: bool) -> None:
        """Changing it is what all the rules here are about."""

    # --- workers -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.change)
    @rule(name=st.sampled_from(WORKERS), steps=st.integers(1, 6), size=st.integers(1, 3), meanwhile=MEANWHILE)
    def work(self, name: str, steps: int, size: int, meanwhile: Meanwhile) -> None:
        left = [*meanwhile]
        for _ in range(steps):
            self.step(name, size, left)

    @rule(
        stage=STAGES,
        size=st.integers(1, 3),
        merges=st.booleans(),
        mends=st.sampled_from([True, False, False]),
        meanwhile=MEANWHILE,
    )
    def work_up_to(self, stage: Stage, size: int, *, merges: bool, mends: bool, meanwhile: Meanwhile) -> None:
        """Take a change to where it matters what comes next; no farther than it goes."""
        if not self.model.is_changing:
            self.request(merges=merges)
        if mends:
            self.mend(everybody=True)
            self.ask_of_change("resume")
            self.ask_of_change("retry")
        name, left = self.holder or WORKERS[0], [*meanwhile]
        for _ in range(MOST_STEPS):
            change = self.driver.change()
            if change is None or change.stage is stage or not self.step(name, size, left):
                break

    def step(self, name: str, size: int, left: Meanwhile) -> bool:
        """Say what is to be said before it, once, and have a worker take a step; whether it is at work then."""
        worker = self.crew[name]
        for each in [each for each in left if each[0] == worker.next_call]:
            left.remove(each)
            match each[1]:
                case str() as what:
                    self.ask_of_change(what)
                case tuple() as look:
                    self.look(look)
                case said:
                    self.say([said])
        self.driver.tell_time(self.now)
        return worker.step(size=size)

    @precondition(lambda self: self.model.people)
    @rule(places=PLACES, email=words.EMAILS)
    def give_both_an_address(self, places: tuple[int, int], email: str) -> None:
        """Which they share, where they can."""
        names = [Name(kind=CIO_ID, text=each.cio_id) for each in self.known(places)]
        self.say([SaidOfPerson(name=name, body={"email": email}) for name in names])

    @precondition(lambda self: self.model.is_changing and self.model.in_the_way())
    @rule(everybody=st.booleans())
    def mend(self, *, everybody: bool) -> None:
        """Have those who stand in the way do so no longer, or one of them."""
        while found := self.model.in_the_way():
            self.say([_mending(found[-1])])
            if not everybody:
                break

    @precondition(lambda self: self.holder and self.crew[self.holder].is_at_work)
    @rule(steps=st.integers(1, 4), size=st.integers(1, 3))
    def overtake(self, steps: int, size: int) -> None:
        """A worker rests until another one may take its change; then it goes on as if nothing had been."""
        late, quick = self.holder, next(name for name in WORKERS if name != self.holder)
        self.let_time_pass(LEASE_ENDS)
        for name in [*[quick] * steps, late]:
            self.step(name, size, [])

    @precondition(lambda self: any(each.is_at_work for each in self.crew.values()))
    @rule(name=st.sampled_from(WORKERS), by_force=st.booleans())
    def end_worker(self, name: str, *, by_force: bool) -> None:
        self.driver.tell_time(self.now)
        if by_force:
            self.crew[name].die()
        else:
            self.crew[name].stop()

    @rule(seconds=st.sampled_from([1, 6, LEASE_ENDS, LEASE_ENDS, 3 * 10**9]))
    def let_time_pass(self, seconds: int) -> None:
        self.now += seconds if self.now < words.LATER else min(seconds, LEASE_ENDS)

    # --- looking -------------------------------------------------------------------------------------------------

    @rule(names=st.lists(words.names(), min_size=1, max_size=3))
    def find_several(self, names: list[Name]) -> None:
        mode = self.model.rules.mode
        known = [each.resolved(self.model.cio_ids) for each in names]
        acceptable = [each for each in known if each.is_acceptable(mode)]
        found = [self.model.find(each.kind, each.key) for each in (name.reference(mode) for name in acceptable)]
        people = {each.cio_id: _shown(each) for each in found if each is not None}

        assert self.driver.find_many(acceptable) == list(people.values())

    @precondition(lambda self: self.model.cio_ids)
    @rule(place=PLACE, kind=st.sampled_from([ID, EMAIL, CIO_ID]), body=words.bodies())
    def tell_of_known(self, place: int, kind: Kind, body: dict[str, Any]) -> None:
        """Of somebody who is there, or was, by what they had when they were last seen."""
        self.say([SaidOfPerson(name=Name(kind=kind, text=self.text_of(self.whom(place), kind)), body=body)])

    @rule(look=LOOKS)
    def look(self, look: Look) -> None:
        if not self.model.cio_ids:
            return
        what, cio_id = look[0], self.whom(look[1])
        if what == "who has their address":
            self.look_at_address(email_key(self.text_of(cio_id, EMAIL)) or "a@x.org")
        elif what == "what hangs on them":
            self.look_at_belongings(cio_id)
        else:
            kind = Kind(what)
            self.look_for(Name(kind=kind, text=self.text_of(cio_id, kind)))

    @precondition(lambda self: self.is_late)
    @rule(look=LOOKS)
    def look_before_the_fold(self, look: Look) -> None:
        self.look(look)

    @precondition(lambda self: self.is_late)
    @rule(place=PLACE, kind=st.sampled_from([ID, EMAIL, CIO_ID]), body=words.bodies())
    def tell_before_the_fold(self, place: int, kind: Kind, body: dict[str, Any]) -> None:
        self.tell_of_known(place, kind, body)

    @precondition(lambda self: self.is_late)
    @rule(number=st.integers(0, 5))
    def undo_before_the_fold(self, number: int) -> None:
        self.undo(number)

    def look_for(self, name: Name) -> None:
        mode = self.model.rules.mode
        if name.is_acceptable(mode):
            reference = name.reference(mode)
            found = self.model.find(reference.kind, reference.key)
            assert self.driver.find(name) == (None if found is None else _shown(found))

    def whom(self, place: int) -> str:
        """Somebody who is there, or was: those first who became one by the change."""
        change = self.model.change
        entries = [] if change is None or not change.is_open else change.entries
        concerned = [cio_id for each in entries for cio_id in (each.secondary.cio_id, each.primary.cio_id)]
        everybody = [*concerned, *self.model.cio_ids]
        return everybody[place % len(everybody)]

    def text_of(self, cio_id: str, kind: Kind) -> str:
        """How somebody is named; of those who are part of somebody else, as the journal knows them."""
        absorbed = (each.secondary for each in reversed(self.model.journal) if each.secondary.cio_id == cio_id)
        person = self.model.people.get(cio_id) or next(absorbed, None)
        if kind is CIO_ID or person is None:
            return cio_id
        return (person.id if kind is ID else person.email) or ""

    def look_at_address(self, key: str) -> None:
        having = [each for each in self.model.people.values() if each.key == key]

        assert self.driver.having_email(key) == [_shown(each) for each in sorted(having, key=lambda each: each.cio_id)]

    def look_at_belongings(self, cio_id: str) -> None:
        """On those who are part of somebody else there hangs nothing any more but the merges."""
        whom = [self.model.people[cio_id]] if cio_id in self.model.people else []
        journal = zip(self.model.journal, state_of(self.model)["journal"].values(), strict=True)
        known = {
            **belongings_shown(whom),
            "activities": activities_shown(self.model, [cio_id]),
            "merges": [shown for each, shown in journal if cio_id in each.cio_ids],
        }

        told = self.driver.belongings([cio_id]) | self.driver.history(cio_id)

        assert differences(known, told) == {}, (known, told)
        self.driver.assert_sound(at_rest=False)

    @precondition(lambda self: self.model.journal)
    @rule(number=st.integers(0, 5))
    def undo(self, number: int) -> None:
        place = len(self.model.journal) - 1 - number % len(self.model.journal)
        told = self.driver.undo_merge(self.model.journal[place], now=self.now)

        assert told == self.model.undo(place, self.now)

    @invariant()
    def both_look_alike(self) -> None:
        self.driver.tell_time(self.now)
        told = self.driver.state()
        self.is_late = len(told["journal"]) < len(self.model.journal)
        found = differences(expected(self.model, told), told)
        assert found == {}, found

    # --- the end -------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Let a worker finish, unless something is wrong already; leave nothing behind."""
        if not hasattr(self, "crew"):  # nothing was ever drawn
            return
        is_well = sys.exc_info()[0] is None
        try:
            for each in self.crew.values():
                each.die()
            if is_well:
                self.finish()
        finally:
            self.driver.destroy()

    def finish(self) -> None:
        """Whatever happened, a change goes on to its end, or to those who stand in its way."""
        if self.is_late:  # seldom enough to look at somebody once more, in one way or another
            self.look((WHAT[self.now % len(WHAT)], self.now % 2))
        if self.model.is_changing:
            self.ask_of_change("resume")
        self.work_to_the_end()
        if self.model.is_changing:
            assert self.model.in_the_way(), "nobody stands in the way, and nobody works"
            self.ask_of_change("cancel")
            self.work_to_the_end()
        self.both_look_alike()
        self.driver.assert_sound(at_rest=True)

    def work_to_the_end(self) -> None:
        """Until nothing is due, also not a while later."""
        worker = self.crew[WORKERS[0]]
        for _ in range(MOST_ROUNDS):
            self.let_time_pass(LEASE_ENDS)
            self.driver.tell_time(self.now)
            worker.found_any = False
            for _ in range(MOST_STEPS):
                if not worker.step(size=3):
                    break
            if not worker.found_any:
                return
        raise AssertionError("a worker comes to no end")


def _of(place: int, ask: AnySaid) -> AnySaid:
    """The same of the person with that place."""
    return replace(ask, name=Name(kind=CIO_ID, text=f"#{place}")) if isinstance(ask, Said) else ask


def _shown(person: Someone) -> tuple[object, ...]:
    return (person.cio_id, *someone_shown(person))


def _mending(listed: Listed) -> AnySaid:
    name = Name(kind=CIO_ID, text=listed.cio_id)
    if listed.is_suppressed:
        return SaidToGo(name=Name(kind=EMAIL, text=listed.key or ""), verb=UnsuppressCall)
    if listed.is_invalid:
        return SaidOfPerson(name=name, body={"email": None})
    return SaidToGo(name=name, verb=DeleteCall)
