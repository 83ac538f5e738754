"""The writers' processes: they say one thing after another until told to stop, wait for a database that is away, and
look now and then whether anybody is half changed."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import TypeVar

from tests.kills.accounts import Line, Log, told
from tests.kills.sayings import Saying, Speaker, ask_of
from tests.kills.stopping import Place, StoppingDatabase, Stops
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import Reference, reference_by_kind
from workspace_operator.identity.rules import ID, Mode
from workspace_operator.store.people import SQLPeople

T = TypeVar("T")

LONGEST_REST = 0.015
"""Seconds between two sayings, so that all processes of a run get their turn on a machine of two processors."""

LOOKS = 0.1
"""How often a writer looks at people instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a writer's process needs to know.

    Attributes:
        groups: ids of people who share an address, the eldest first, whom nobody says anything of.
        place: where to stop.
    """

    url: str
    workspace_id: int
    number: int
    seed: str
    log: Path
    touchable: Sequence[tuple[str, str]]
    groups: Sequence[Sequence[str]]
    violates: bool
    place: Place | None = None


@dataclass(slots=True, kw_only=True)
class Teller:
    """Says things until they are answered, and keeps account of that."""

    people: SQLPeople
    workspace_id: int
    log: Log
    mode: str = field(default="", init=False)

    def say(self, sayings: Sequence[Saying]) -> None:
        """Say this, and again while the database is away."""
        self.log.write(asks=sayings)
        self.repeat(sayings)

    def repeat(self, sayings: Sequence[Saying]) -> None:
        """Say what the log says was to be said."""
        asks = [ask_of(each, self.hear) for each in sayings]

        def perform() -> list[Line]:
            answers = self.people.perform(self.workspace_id, asks, now=int(time.time()))
            return [told(each) for each in answers]

        since, answers = self.until_answered(perform)
        self.log.write(since=since, until=time.monotonic(), mode=self.mode, told=answers)

    def look(self, groups: Sequence[Sequence[str]], chance: Random) -> None:
        """Look at people who share an address: they are several before the switch, one from then on."""
        group = chance.choice(groups)

        def find() -> Sequence[Person]:
            return self.people.find_many(self.workspace_id, [self._by_id(each) for each in group])

        since, found = self.until_answered(find)
        self.log.write(since=since, until=time.monotonic(), mode=self.mode)
        expected = set(group) if self.mode == Mode.ID_ONLY else {group[0]}
        if {each.id for each in found} != expected:
            self.log.write(wrong=f"{group} are {[each.id for each in found]} in mode {self.mode}")

    def until_answered(self, ask: Callable[[], T]) -> tuple[float, T]:
        """When it was asked last, and the answer."""
        while True:
            since = time.monotonic()
            try:
                return since, ask()
            except StoreUnavailable:
                self.log.write(again=True)
                time.sleep(0.05)

    def hear(self, mode: Mode) -> None:
        self.mode = mode.value

    def _by_id(self, id_: str) -> Callable[[Mode], Reference]:
        def ask(mode: Mode) -> Reference:
            self.hear(mode)
            return reference_by_kind(id_, ID, mode)

        return ask


def write(part: Part, parent: Connection) -> None:
    """Write until told to stop; whatever goes wrong is in the log."""
    log = Log(part.log)
    stops = Stops(parent, part.place, method="perform")
    database = StoppingDatabase(part.url, stops)
    teller = Teller(people=SQLPeople(database), workspace_id=part.workspace_id, log=log)
    try:
        _go_on(part, teller, stops)
    except Exception:  # noqa: BLE001 - whatever it is, a caller has seen it
        log.write(wrong=traceback.format_exc())
    database.close()


def _go_on(part: Part, teller: Teller, stops: Stops) -> None:
    speaker, unanswered, lines = _remembered(part, teller.log)
    speaker.random = chance = Random(f"{part.seed}/{part.number}/{lines}")
    if unanswered:
        teller.log.write(again=True)
        teller.repeat(unanswered)
        speaker.learn(unanswered)
    while "stop" not in stops.heard:
        if part.groups and chance.random() < LOOKS:
            teller.look(part.groups, chance)
        else:
            sayings = speaker.next()
            teller.say(sayings)
            speaker.learn(sayings)
        if "calm" in stops.heard:
            _calm_down(speaker, teller, stops)
        time.sleep(chance.uniform(0, LONGEST_REST))
        stops.listen()


def _calm_down(speaker: Speaker, teller: Teller, stops: Stops) -> None:
    speaker.violates = False
    stops.heard.remove("calm")
    mends = speaker.calm()
    if mends:
        teller.say(mends)
        speaker.learn(mends)
    stops.parent.send(("calm", ""))


def _remembered(part: Part, log: Log) -> tuple[Speaker, Sequence[Saying], int]:
    """A speaker as the one before it was, what that one had no answer to, and how many lines it wrote."""
    speaker = Speaker(number=part.number, random=Random(), touchable=part.touchable, violates=part.violates)
    asked: Sequence[Saying] = ()
    lines = 0
    for line in log.lines():
        lines += 1
        if "asks" in line:
            asked = line["asks"]
        elif "told" in line:
            speaker.learn(asked)
            asked = ()
    return speaker, asked, lines
