"""One run: its processes are started, the change is wished for, blows fall, and the change comes to rest."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import sqlalchemy as sa

from tests.kills.accounts import Log
from tests.kills.actors import NOWHERE, Actor
from tests.kills.arenas import Arena, Ground
from tests.kills.crowds import UNTOUCHED, WRITERS, Someone, groups_of, plain
from tests.kills.deeds import OWN, Deeds
from tests.kills.plans import Act, Blow, Deed, Plan, Victim
from tests.kills.stopping import Place
from tests.kills.watching import Watcher
from tests.kills.working import Job, work
from tests.kills.writing import Part, Teller, write
from workspace_operator.migrations.records import OnConflict
from workspace_operator.migrations.stages import Stage
from workspace_operator.store.engines import Database
from workspace_operator.store.people import SQLPeople
from workspace_operator.store.tables import migration

LONGEST_WAY = 120
"""Seconds until a change has come to rest, or a writer has answered, on a busy machine."""

LONGEST_STOP = 8
"""Seconds until a process has come to a place, unless the change rests before."""

LOOK = 0.02
"""Seconds between two looks at the change."""

FULL = 10_000
"""People from which on a change takes so long that delays are taken in full."""

RESTING = {Stage.COMPLETED, Stage.BLOCKED, Stage.CANCELLED}


@dataclass(slots=True, kw_only=True)
class Run:
    """A run as it goes.

    Attributes:
        groups: those who become one.
        struck: what was killed where, how often.
        wrongs: what processes logged that nobody should ever see.
        looks: how often somebody looked in between whether anything was half changed.
        violates: whether writers put people in the way just now.
        asked: writers who are to say when they have mended everybody.
    """

    plan: Plan
    arena: Arena
    ground: Ground
    folder: Path
    crowd: Sequence[Someone]
    database: Database
    deeds: Deeds = field(init=False)
    groups: Sequence[Sequence[Someone]] = field(init=False)
    since: float = field(default_factory=time.time)
    generation: int = 0
    worker: Actor | None = None
    writers: list[Actor] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    looks: int = 0
    violates: bool = field(init=False)
    asked: list[Actor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.violates = self.plan.scenario.violates
        self.groups = groups_of(self.crowd) if self.merges else []
        teller = Teller(
            people=SQLPeople(self.database), workspace_id=self.ground.workspace_id, log=Log(self.log_of(OWN))
        )
        self.deeds = Deeds(
            scenario=self.plan.scenario,
            workspace_id=self.ground.workspace_id,
            crowd=self.crowd,
            database=self.database,
            teller=teller,
        )

    @property
    def merges(self) -> bool:
        return self.plan.scenario.on_conflict is OnConflict.MERGE

    def log_of(self, writer: int) -> Path:
        return self.folder / f"writer-{writer}.log"

    def carry_out(self) -> None:
        """Everything; when it returns, all is at rest and no process is left."""
        of_group = {each.cio_id: number for number, group in enumerate(self.groups) for each in group}
        watcher = Watcher(ground=self.ground, groups=of_group, chance=Random(self.plan.number))
        try:
            self.writers = [self._start_writer(number) for number in range(WRITERS)]
            for act in self.plan.acts:
                self._play(act)
            time.sleep(0.2)  # writers go on under the new rules
            while self.writers:
                self.writers.pop().end()
        finally:
            for each in (*self.writers, *([self.worker] if self.worker else [])):
                self._kill(each)
            watcher.stop()
        self.wrongs += watcher.wrongs
        self.looks = watcher.looks

    def _play(self, act: Act) -> None:
        on_worker = [each for each in act.blows if not self._is_for_writer(each)]
        places = iter([each.place or NOWHERE for each in on_worker])
        self._ensure_worker(next(places, NOWHERE))
        self.deeds.do(Deed.MEND if act.deed is Deed.MEND else Deed.WISH)
        for blow in act.blows:
            if self._is_for_writer(blow):
                self._strike_writer(blow)
            else:
                self._strike(blow, following=next(places, NOWHERE))
            self.struck["blows"] += 1
        self._calm_writers()
        self._await_rest(act.end)

    def _strike(self, blow: Blow, *, following: Place) -> None:
        """Let the blow fall on the worker, or the database, and have a worker go on to the following place."""
        worker = self._ensure_worker(blow.place or NOWHERE)
        self._wait_for(worker, blow)
        moment = blow.name if worker.stopped or blow.place is None else f"{blow.name}, missed"
        self.deeds.do(blow.deed)
        if blow.victim is Victim.NOBODY:
            self._overtake(worker, following)
        elif blow.victim is Victim.DATABASE and self.arena.has_server:
            self.arena.kill()
        else:
            self._kill(worker)
            self.worker = None
        self._ensure_worker(following).release()
        self.deeds.follow(blow.deed)
        self.struck[f"{blow.victim}: {moment}"] += 1

    def _is_for_writer(self, blow: Blow) -> bool:
        """Without a server the database is part of the process that is at work: at a place, that is the worker's."""
        is_in_writer = blow.victim is Victim.DATABASE and not self.arena.has_server and blow.place is None
        return blow.victim is Victim.WRITER or is_in_writer

    def _wait_for(self, worker: Actor, blow: Blow) -> None:
        """Until the worker has stopped at the place, or never will since all is at rest."""
        if blow.place is None:
            time.sleep(blow.delay * min(self.arena.people / FULL, 1))
            return
        started = time.monotonic()
        while not worker.hears("stopped", within=LOOK) and time.monotonic() < started + LONGEST_STOP:
            if self._rest() is not None and not worker.hears("stopped", within=20 * LOOK):
                return
            if time.monotonic() > started + LONGEST_STOP / 3:
                # With people in the way all the time the change may never come there. Nobody waits until they have:
                # the worker may stop at any moment, and on SQLite, inside a transaction, that stops them, too.
                self._ask_for_calm()

    def _strike_writer(self, blow: Blow) -> None:
        """In the middle of a transaction, or anywhere; another one goes on with its part."""
        number = self.plan.chance.randrange(WRITERS)
        writer = self.writers[number]
        time.sleep(self.plan.chance.uniform(0, 0.3))
        if blow.victim is Victim.DATABASE or self.plan.chance.random() < 0.5:
            writer.aim(Place(method="perform"))
            writer.hears("stopped", within=LONGEST_STOP)
        moment = "in a transaction" if writer.stopped else "somewhere"
        self._kill(writer)
        self.writers[number] = self._start_writer(number)
        if writer in self.asked:
            self.asked[self.asked.index(writer)] = self.writers[number]
            self.writers[number].tell("calm")
        self.struck[f"{Victim.WRITER}: {moment}"] += 1

    def _overtake(self, worker: Actor, following: Place) -> None:
        """Another worker takes over from one that stands still, which then goes on as if it had not been away."""
        worker.aim(NOWHERE)
        self.worker = None
        other = self._ensure_worker(following)
        time.sleep(self.plan.chance.uniform(0, 0.5))
        worker.release()
        time.sleep(self.plan.chance.uniform(0, 0.5))
        self._kill(worker)
        self.worker = other

    def _ensure_worker(self, place: Place) -> Actor:
        """The worker, or a new one if it was killed; it stops at the place."""
        if self.worker is None:
            self.generation += 1
            job = Job(
                url=self.ground.url,
                generation=self.generation,
                since=self.since,
                batch=max(self.arena.people // 40, 1),
                place=place,
            )
            self.worker = Actor.start(work, job)
        self.worker.aim(place)
        return self.worker

    def _start_writer(self, number: int) -> Actor:
        with_ids = [[str(each.id) for each in group] for group in self.groups if all(each.id for each in group)]
        happening = {plain(each) for each in range(UNTOUCHED, 2 * UNTOUCHED)} | {
            each for group in with_ids[1::2] for each in group
        }
        part = Part(
            url=self.ground.url,
            workspace_id=self.ground.workspace_id,
            number=number,
            seed=str(self.plan.number),
            log=self.log_of(number),
            touchable=[
                (each.id, str(each.email)) for each in self.crowd if each.id is not None and each.id in happening
            ],
            groups=with_ids[::2],
            violates=self.violates,
        )
        return Actor.start(write, part)

    def _ask_for_calm(self) -> None:
        """Have writers put nobody in the way any more, and mend whom they have put there."""
        if not self.violates:
            return
        self.violates = False
        for each in self.writers:
            each.tell("calm")
        self.asked = [*self.writers]

    def _calm_writers(self) -> None:
        """The same, and wait until they have."""
        self._ask_for_calm()
        if not all(each.hears("calm", within=LONGEST_WAY) for each in self.asked):
            self.wrongs.append("a writer does not answer")
        self.asked = []

    def _kill(self, actor: Actor) -> None:
        actor.kill()
        bad = {"ERROR"} if self.arena.has_server else {"ERROR", "WARNING"}
        self.wrongs += [text for word, text in actor.said if word in bad]

    def _await_rest(self, end: Stage) -> None:
        limit = time.monotonic() + LONGEST_WAY
        while self._rest() is not end:
            if time.monotonic() > limit:
                self.wrongs.append(f"the change should have come to be {end}, and is {self.deeds.change}")
                return
            time.sleep(LOOK)

    def _rest(self) -> Stage | None:
        """Where the change rests; None while somebody has to do with it."""
        query = sa.select(migration.c.stage, migration.c.due_at).order_by(migration.c.number.desc()).limit(1)
        with self.database.reading() as connection:
            stage, due_at = connection.execute(query).one()
        return Stage(stage) if due_at is None and Stage(stage) in RESTING else None
