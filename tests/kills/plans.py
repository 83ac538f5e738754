"""What happens in a run: which change is wished for, what is killed when, how it has to end. All from its number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from tests.kills.crowds import Kind
from tests.kills.stopping import Place, Position
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import OnConflict
from workspace_operator.migrations.stages import Stage

LONGEST_DELAY = 1.5
"""Seconds to a random moment; about as long as a change takes."""


class Victim(StrEnum):
    """What is killed."""

    WORKER = "worker"
    WRITER = "writer"
    DATABASE = "database"
    """On SQLite, a writer inside a transaction: there the database is part of each process."""
    NOBODY = "nobody"
    """The worker only stands still while another one takes over, and then goes on."""


class Deed(StrEnum):
    """What the test does to the change."""

    NOTHING = "nothing"
    WISH = "wish"
    MEND = "mend"
    INTRUDE = "intrude"
    CANCEL = "cancel"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """A kill: at a place, or after a delay in seconds; something may be done just before it."""

    victim: Victim
    name: str
    place: Place | None = None
    delay: float = 0.0
    deed: Deed = Deed.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something is done, blows fall, and the change comes to rest at a stage."""

    deed: Deed
    blows: Sequence[Blow]
    end: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A kind of moment: transactions of a method, from which number to which."""

    method: str
    least: int = 1
    most: int = 1
    positions: Sequence[Position] = tuple(Position)

    def place(self, chance: Random) -> Place:
        return Place(
            method=self.method,
            number=chance.randint(self.least, self.most),
            position=chance.choice(list(self.positions)),
        )


AIMS: Mapping[str, Aim] = {
    "clearing first": Aim(method="clear_batch"),
    "preparing": Aim(method="prepare_batch", most=4),
    "settling": Aim(method="settle_batch"),
    "before the switch": Aim(method="switch", positions=[Position.BEFORE]),
    "in the switch": Aim(method="switch", positions=[Position.INSIDE]),
    "after the switch": Aim(method="switch", positions=[Position.AFTER]),
    "folding": Aim(method="fold_batch", most=6),
    "reporting": Aim(method="block", most=12),
    "ending a report": Aim(method="block", least=7, most=12),
    "clearing": Aim(method="clear_batch"),
}
SWITCHING = ("before the switch", "in the switch", "after the switch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A kind of run.

    Attributes:
        violates: whether writers put people in the way and mend that, until the blows have fallen.
        mends_in_time: whether people are mended when the first blow falls, while they are being reported.
        acts: what is done, at which moments blows may be aimed meanwhile, and where the change comes to rest.
    """

    name: str
    crowd: Kind
    acts: Sequence[tuple[Deed, Sequence[str], Stage]]
    to: Mode = Mode.EMAIL_OR_ID
    on_conflict: OnConflict = OnConflict.BLOCK
    violates: bool = False
    mends_in_time: bool = False


MERGE = OnConflict.MERGE
COMPLETED, BLOCKED, CANCELLED = Stage.COMPLETED, Stage.BLOCKED, Stage.CANCELLED
PREPARING, FOLDING = ("preparing", "settling"), ("folding",)
MENDED = (Deed.MEND, ("clearing first", "preparing", *SWITCHING), COMPLETED)

SCENARIOS: Sequence[Scenario] = (
    Scenario(name="clean", crowd=Kind.CLEAN, acts=[(Deed.WISH, (*PREPARING, *SWITCHING), COMPLETED)]),
    Scenario(
        name="merging",
        crowd=Kind.SHARING,
        on_conflict=MERGE,
        acts=[(Deed.WISH, (*SWITCHING, *FOLDING, *FOLDING, *FOLDING), COMPLETED)],
    ),
    Scenario(name="blocked", crowd=Kind.VIOLATED, acts=[(Deed.WISH, ("reporting",), BLOCKED), MENDED]),
    Scenario(name="intruded", crowd=Kind.CLEAN, acts=[(Deed.INTRUDE, ("reporting",), BLOCKED), MENDED]),
    Scenario(
        name="mended in time",
        crowd=Kind.CLEAN,
        mends_in_time=True,
        acts=[(Deed.INTRUDE, ("ending a report",), COMPLETED)],
    ),
    Scenario(
        name="mending",
        crowd=Kind.CLEAN,
        violates=True,
        acts=[(Deed.WISH, (*PREPARING, *SWITCHING, "reporting"), COMPLETED)],
    ),
    Scenario(
        name="merging and mending",
        crowd=Kind.SHARING,
        violates=True,
        on_conflict=MERGE,
        acts=[(Deed.WISH, (*PREPARING, *SWITCHING, *FOLDING, "reporting"), COMPLETED)],
    ),
    Scenario(
        name="cancelled",
        crowd=Kind.SHARING,
        on_conflict=MERGE,
        acts=[(Deed.CANCEL, ("clearing",), CANCELLED), (Deed.WISH, (*SWITCHING, *FOLDING), COMPLETED)],
    ),
    Scenario(
        name="paused",
        crowd=Kind.SHARING,
        on_conflict=MERGE,
        acts=[(Deed.PAUSE, (*PREPARING, *SWITCHING, *FOLDING), COMPLETED)],
    ),
    Scenario(
        name="merging, blocked",
        crowd=Kind.SHARING_VIOLATED,
        on_conflict=MERGE,
        acts=[(Deed.WISH, ("reporting",), BLOCKED), (Deed.MEND, (*SWITCHING, *FOLDING), COMPLETED)],
    ),
    Scenario(
        name="disabling",
        crowd=Kind.ENABLED,
        to=Mode.ID_ONLY,
        acts=[(Deed.WISH, (*SWITCHING, "clearing"), COMPLETED)],
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run."""

    number: int
    scenario: Scenario
    acts: Sequence[Act]
    chance: Random = field(repr=False)

    def __str__(self) -> str:
        acts = "; ".join(
            f"{act.deed}: {', '.join(f'{blow.victim} {blow.name} ({blow.place or blow.delay})' for blow in act.blows)}"
            for act in self.acts
        )
        return f"run {self.number}, {self.scenario.name}: {acts}"


def plan_of(number: int) -> Plan:
    """The scenarios in turn; everything else by chance."""
    chance = Random(number)
    scenario = SCENARIOS[number % len(SCENARIOS)]
    acts = [Act(deed=deed, blows=_blows(scenario, deed, aims, chance), end=end) for deed, aims, end in scenario.acts]
    return Plan(number=number, scenario=scenario, acts=acts, chance=chance)


def _blows(scenario: Scenario, deed: Deed, aims: Sequence[str], chance: Random) -> list[Blow]:
    """One or two at places, in the order in which they are reached, and maybe one at a random moment."""
    first = [_with_deed(deed, "preparing", chance)] if deed in _LATER else []
    if scenario.mends_in_time:
        return [*first, _with_deed(Deed.MEND, "ending a report", chance)]
    names = sorted({chance.choice(aims) for _ in range(chance.randint(1, 2))}, key=list(AIMS).index)
    aimed = [Blow(victim=_victim(chance), name=name, place=AIMS[name].place(chance)) for name in names]
    if chance.random() < 0.4:
        delay = chance.uniform(0, LONGEST_DELAY)
        aimed.insert(chance.randint(0, len(aimed)), Blow(victim=_victim(chance), name="somewhere", delay=delay))
    return [*first, *aimed]


_LATER = {Deed.INTRUDE, Deed.CANCEL, Deed.PAUSE}
"""Done when the change is being prepared."""


def _with_deed(deed: Deed, aim: str, chance: Random) -> Blow:
    """Not inside a transaction, whose locks the deed would wait for."""
    place = replace(AIMS[aim].place(chance), position=chance.choice([Position.BEFORE, Position.AFTER]))
    victim = chance.choice([Victim.WORKER, Victim.WORKER, Victim.NOBODY])
    return Blow(victim=victim, name=f"{deed} while {aim}", place=place, deed=deed)


def _victim(chance: Random) -> Victim:
    return chance.choices(list(Victim), [5, 2, 3, 1])[0]
