"""The state machine, while the identifiers change: whatever comes between whichever steps of whichever worker.

The model knows nothing of stages and leases. What it knows is who stands in the way, what the switch makes of people,
and that nobody can tell what is folded.
"""

import sys
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.model.harness import strategies
from tests.model.harness.commands import AnyCommand, IdentifyCommand, Name, PersonCommand, RemovalCommand
from tests.model.harness.comparison import INDEXES, START
from tests.model.harness.migrating_store import MigratingPeople
from tests.model.harness.migration_snapshots import expected
from tests.model.harness.port_checks import CheckedMigrations
from tests.model.harness.snapshots import activities_shown, differences, model_person_shown, records_shown, state_of
from tests.model.harness.workers import SteppedWorker
from tests.model.reference.migrations import TRANSITIONS, ListedPerson, MigratingModel
from tests.model.reference.records import ModelPerson
from workspace_operator.application.migrations.worker import LEASE_DURATION
from workspace_operator.identity.model.commands import DeletePerson, Unsuppress
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind, IdentityRules
from workspace_operator.migrations.state_machine import Stage, Step

MAX_STEPS = 60
"""More than any change of a few people takes, however small the batches."""

MAX_ROUNDS = 20
"""It is claimed anew after each rest."""

WORKERS = ("w1", "w2")
LEASE_ENDS = int(LEASE_DURATION.total_seconds()) + 1
STAGES = st.sampled_from(
    [
        Stage.PREPARING,
        Stage.PREPARING,
        Stage.SWITCHED,
        Stage.SWITCHED,
        Stage.MERGING,
        Stage.MERGING,
        Stage.COMPLETED,
        Stage.BLOCKED,
    ]
)

CALLS = st.sampled_from(
    [
        Step.BACKFILL,
        Step.APPLY_CHANGE_LOG,
        "has_violations",
        "cut_over",
        Stage.MERGING,
        Step.MERGE,
        Stage.COMPLETED,
        Stage.PREPARING,
        "check",
        "block",
    ]
)
PLACE = st.integers(0, 9)
WORDS = st.sampled_from(["cancel", "pause", "resume", "retry"])
Read: TypeAlias = tuple[str, int]
READ_KINDS = ("who has their address", "what hangs on them", "id", "email", "cio_id")
READS = st.tuples(st.sampled_from(READ_KINDS), PLACE)
"""What to look for, and whose."""

Meanwhile: TypeAlias = list[tuple[str, AnyCommand | Read | str]]
MEANWHILE = st.lists(st.tuples(CALLS, strategies.violations() | strategies.violations() | READS | WORDS), max_size=4)
"""What is said, looked for, or asked of the change, and which of a worker's calls comes next then."""


class MigrationComparison(CheckedMigrations):
    """One workspace whose identifiers change, seen by the model and through the ports."""

    model: MigratingModel
    driver: MigratingPeople
    is_late = False
    """Whether somebody is not folded yet."""

    def drive(self, rules: IdentityRules) -> MigratingPeople:
        raise NotImplementedError

    @initialize(
        rules=strategies.MIGRATION_RULES,
        newcomers=strategies.sharers(),
        result=st.lists(strategies.record_commands(), max_size=5),
        begun=st.sampled_from([Stage.SWITCHED, Stage.PREPARING, Stage.MERGING, Stage.SWITCHED, None]),
        between=MEANWHILE,
    )
    def make_workspace(
        self,
        rules: IdentityRules,
        newcomers: list[AnyCommand],
        result: list[AnyCommand],
        begun: Stage | None,
        between: Meanwhile,
    ) -> None:
        """People, most of whom something hangs on, and perhaps a change that has come that far."""
        self.now = START
        self.model, self.driver = MigratingModel(rules), self.drive(rules)
        migrations, clock = self.driver.store.migrations, self.driver.store.clock
        self.crew = {
            name: SteppedWorker(migrations=migrations, name=name, clock=clock, on_call=self.on_call) for name in WORKERS
        }
        self.holder, self.lease_ends, self.checked = "", START, {}
        self.run(newcomers)
        self.run([_of(place, each) for place, each in enumerate(result)])
        if begun is not None:
            self.work_until(begun, size=1, merges=True, mends=False, between=between)

    # --- what is asked of a change -------------------------------------------------------------------------------

    @rule(merges=st.sampled_from([True, True, False]))
    def request(self, *, merges: bool) -> None:
        to = TRANSITIONS[self.model.rules.mode]
        if self.ask(lambda: self.driver.request(to, merges=merges), allowed=not self.model.is_migrating):
            self.model.request(merges=merges)

    @precondition(lambda self: self.model.change)
    @rule(what=WORDS)
    def ask_of_change(self, what: str) -> None:
        migration = self.model.change
        assert migration is not None
        may_be_asked = migration.is_open and not (what == "cancel" and migration.switched)
        if self.ask(lambda: self.driver.ask(what), allowed=may_be_asked):
            migration.is_open &= what != "cancel"
            migration.is_paused = what == "pause" or (what != "resume" and migration.is_paused)

    def change_mode(self, *, really: bool) -> None:
        """Changing it is what all the rules here are about."""

    # --- workers -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.change)
    @rule(name=st.sampled_from(WORKERS), steps=st.integers(1, 6), size=st.integers(1, 3), between=MEANWHILE)
    def work(self, name: str, steps: int, size: int, between: Meanwhile) -> None:
        left = [*between]
        for _ in range(steps):
            self.step(name, size, left)

    @rule(
        stage=STAGES,
        size=st.integers(1, 3),
        merges=st.booleans(),
        mends=st.sampled_from([True, False, False]),
        between=MEANWHILE,
    )
    def work_until(self, stage: Stage, size: int, *, merges: bool, mends: bool, between: Meanwhile) -> None:
        """Take a change to where it matters what comes next; no farther than it goes."""
        if not self.model.is_migrating:
            self.request(merges=merges)
        if mends:
            self.fix(everybody=True)
            self.ask_of_change("resume")
            self.ask_of_change("retry")
        name, left = self.holder or WORKERS[0], [*between]
        for _ in range(MAX_STEPS):
            migration = self.driver.change()
            if migration is None or migration.stage is stage or not self.step(name, size, left):
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
                    self.read(look)
                case said:
                    self.run([said])
        self.driver.set_time(self.now)
        return worker.step(size=size)

    @precondition(lambda self: self.model.people)
    @rule(places=INDEXES, email=strategies.EMAILS)
    def add_shared_address(self, places: tuple[int, int], email: str) -> None:
        """Which they share, where they can."""
        names = [Name(kind=CIO_ID, text=each.cio_id) for each in self.known(places)]
        self.run([IdentifyCommand(name=name, body={"email": email}) for name in names])

    @precondition(lambda self: self.model.is_migrating and self.model.blocking())
    @rule(everybody=st.booleans())
    def fix(self, *, everybody: bool) -> None:
        """Have those who stand in the way do so no longer, or one of them."""
        while found := self.model.blocking():
            self.run([_fixing(found[-1])])
            if not everybody:
                break

    @precondition(lambda self: self.holder and self.crew[self.holder].is_at_work)
    @rule(steps=st.integers(1, 4), size=st.integers(1, 3))
    def expire_lease(self, steps: int, size: int) -> None:
        """A worker rests until another one may take its change; then it goes on as if nothing had been."""
        late, quick = self.holder, next(name for name in WORKERS if name != self.holder)
        self.advance_time(LEASE_ENDS)
        for name in [*[quick] * steps, late]:
            self.step(name, size, [])

    @precondition(lambda self: any(each.is_at_work for each in self.crew.values()))
    @rule(name=st.sampled_from(WORKERS), by_force=st.booleans())
    def end_worker(self, name: str, *, by_force: bool) -> None:
        self.driver.set_time(self.now)
        if by_force:
            self.crew[name].crash()
        else:
            self.crew[name].stop()

    @rule(seconds=st.sampled_from([1, 6, LEASE_ENDS, LEASE_ENDS, 3 * 10**9]))
    def advance_time(self, seconds: int) -> None:
        self.now += seconds if self.now < strategies.LATER else min(seconds, LEASE_ENDS)

    # --- looking -------------------------------------------------------------------------------------------------

    @rule(names=st.lists(strategies.names(), min_size=1, max_size=3))
    def find_several(self, names: list[Name]) -> None:
        mode = self.model.rules.mode
        known = [each.resolved(self.model.cio_ids) for each in names]
        acceptable = [each for each in known if each.is_acceptable(mode)]
        found = [self.model.find(each.kind, each.key) for each in (name.reference(mode) for name in acceptable)]
        people = {each.cio_id: _shown(each) for each in found if each is not None}

        assert self.driver.find_many(acceptable) == list(people.values())

    @precondition(lambda self: self.model.cio_ids)
    @rule(place=PLACE, kind=st.sampled_from([ID, EMAIL, CIO_ID]), body=strategies.bodies())
    def command_for_known(self, place: int, kind: IdentifierKind, body: dict[str, Any]) -> None:
        """Of somebody who is there, or was, by what they had when they were last seen."""
        self.run([IdentifyCommand(name=Name(kind=kind, text=self.text_of(self.known_person(place), kind)), body=body)])

    @rule(look=READS)
    def read(self, look: Read) -> None:
        if not self.model.cio_ids:
            return
        what, cio_id = look[0], self.known_person(look[1])
        if what == "who has their address":
            self.read_address(email_key(self.text_of(cio_id, EMAIL)) or "a@x.org")
        elif what == "what hangs on them":
            self.read_records(cio_id)
        else:
            kind = IdentifierKind(what)
            self.find_by(Name(kind=kind, text=self.text_of(cio_id, kind)))

    @precondition(lambda self: self.is_late)
    @rule(look=READS)
    def read_before_the_merge(self, look: Read) -> None:
        self.read(look)

    @precondition(lambda self: self.is_late)
    @rule(place=PLACE, kind=st.sampled_from([ID, EMAIL, CIO_ID]), body=strategies.bodies())
    def command_before_the_merge(self, place: int, kind: IdentifierKind, body: dict[str, Any]) -> None:
        self.command_for_known(place, kind, body)

    @precondition(lambda self: self.is_late)
    @rule(number=st.integers(0, 5))
    def undo_before_the_merge(self, number: int) -> None:
        self.undo(number)

    def find_by(self, name: Name) -> None:
        mode = self.model.rules.mode
        if name.is_acceptable(mode):
            reference = name.reference(mode)
            found = self.model.find(reference.kind, reference.key)
            assert self.driver.find(name) == (None if found is None else _shown(found))

    def known_person(self, place: int) -> str:
        """Somebody who is there, or was: those first who became one by the change."""
        migration = self.model.change
        entries = [] if migration is None or not migration.is_open else migration.entries
        concerned = [cio_id for each in entries for cio_id in (each.secondary.cio_id, each.primary.cio_id)]
        everybody = [*concerned, *self.model.cio_ids]
        return everybody[place % len(everybody)]

    def text_of(self, cio_id: str, kind: IdentifierKind) -> str:
        """How somebody is named; of those who are part of somebody else, as the journal knows them."""
        absorbed = (each.secondary for each in reversed(self.model.journal) if each.secondary.cio_id == cio_id)
        person = self.model.people.get(cio_id) or next(absorbed, None)
        if kind is CIO_ID or person is None:
            return cio_id
        return (person.id if kind is ID else person.email) or ""

    def read_address(self, key: str) -> None:
        having = [each for each in self.model.people.values() if each.key == key]

        assert self.driver.find_by_email(key) == [_shown(each) for each in sorted(having, key=lambda each: each.cio_id)]

    def read_records(self, cio_id: str) -> None:
        """On those who are part of somebody else there hangs nothing any more but the merges."""
        whom = [self.model.people[cio_id]] if cio_id in self.model.people else []
        journal = zip(self.model.journal, state_of(self.model)["journal"].values(), strict=True)
        known = {
            **records_shown(whom),
            "activities": activities_shown(self.model, [cio_id]),
            "merges": [shown for each, shown in journal if cio_id in each.cio_ids],
        }

        result = self.driver.person_records([cio_id]) | self.driver.history(cio_id)

        assert differences(known, result) == {}, (known, result)
        self.driver.assert_sound(at_rest=False)

    @precondition(lambda self: self.model.journal)
    @rule(number=st.integers(0, 5))
    def undo(self, number: int) -> None:
        place = len(self.model.journal) - 1 - number % len(self.model.journal)
        result = self.driver.undo_merge(self.model.journal[place], now=self.now)

        assert result == self.model.undo(place, self.now)

    @invariant()
    def states_match(self) -> None:
        self.driver.set_time(self.now)
        result = self.driver.state()
        self.is_late = len(result["journal"]) < len(self.model.journal)
        found = differences(expected(self.model, result), result)
        assert found == {}, found

    # --- the end -------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Let a worker finish, unless something is wrong already; leave nothing behind."""
        if not hasattr(self, "crew"):  # nothing was ever drawn
            return
        is_well = sys.exc_info()[0] is None
        try:
            for each in self.crew.values():
                each.crash()
            if is_well:
                self.finish()
        finally:
            self.driver.destroy()

    def finish(self) -> None:
        """Whatever happened, a change goes on to its end, or to those who stand in its way."""
        if self.is_late:  # seldom enough to look at somebody once more, in one way or another
            self.read((READ_KINDS[self.now % len(READ_KINDS)], self.now % 2))
        if self.model.is_migrating:
            self.ask_of_change("resume")
        self.work_to_the_end()
        if self.model.is_migrating:
            assert self.model.blocking(), "nobody stands in the way, and nobody works"
            self.ask_of_change("cancel")
            self.work_to_the_end()
        self.states_match()
        self.driver.assert_sound(at_rest=True)

    def work_to_the_end(self) -> None:
        """Until nothing is due, also not a while later."""
        worker = self.crew[WORKERS[0]]
        for _ in range(MAX_ROUNDS):
            self.advance_time(LEASE_ENDS)
            self.driver.set_time(self.now)
            worker.found_any = False
            for _ in range(MAX_STEPS):
                if not worker.step(size=3):
                    break
            if not worker.found_any:
                return
        raise AssertionError("a worker comes to no end")


def _of(place: int, command: AnyCommand) -> AnyCommand:
    """The same of the person with that place."""
    return replace(command, name=Name(kind=CIO_ID, text=f"#{place}")) if isinstance(command, PersonCommand) else command


def _shown(person: ModelPerson) -> tuple[object, ...]:
    return (person.cio_id, *model_person_shown(person))


def _fixing(listed: ListedPerson) -> AnyCommand:
    name = Name(kind=CIO_ID, text=listed.cio_id)
    if listed.is_suppressed:
        return RemovalCommand(name=Name(kind=EMAIL, text=listed.key or ""), verb=Unsuppress)
    if listed.is_invalid:
        return IdentifyCommand(name=name, body={"email": None})
    return RemovalCommand(name=name, verb=DeletePerson)
