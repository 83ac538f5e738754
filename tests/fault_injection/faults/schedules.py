"""What happens in a run: which change is wished for, what is killed when, how it has to end. All from its number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from tests.fault_injection.faults.breakpoints import Breakpoint, Position
from tests.fault_injection.workload.population import PopulationKind
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage, Step

MAX_DELAY = 1.5
"""Seconds to a random moment; about as long as a change takes."""


class Victim(StrEnum):
    """What is killed."""

    WORKER = "worker"
    WRITER = "writer"
    DATABASE = "database"
    """On SQLite, a writer inside a transaction: there the database is part of each process."""
    NOBODY = "nobody"
    """The worker only stands still while another one takes over, and then goes on."""


class ActionKind(StrEnum):
    """What the test does to the change."""

    NOTHING = "nothing"
    WISH = "wish"
    MEND = "mend"
    INTRUDE = "intrude"
    CANCEL = "cancel"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kill: at a place, or after a delay in seconds; something may be done just before it."""

    victim: Victim
    name: str
    point: Breakpoint | None = None
    delay: float = 0.0
    action: ActionKind = ActionKind.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Something is done, blows fall, and the change comes to rest at a stage."""

    action: ActionKind
    faults: Sequence[Fault]
    end: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPoint:
    """A kind of moment: transactions of a method, from which number to which."""

    method: str
    least: int = 1
    most: int = 1
    positions: Sequence[Position] = tuple(Position)

    def point(self, rng: Random) -> Breakpoint:
        return Breakpoint(
            method=self.method,
            number=rng.randint(self.least, self.most),
            position=rng.choice(list(self.positions)),
        )


FAULT_POINTS: Mapping[str, FaultPoint] = {
    "clearing first": FaultPoint(method=Step.PURGE),
    "preparing": FaultPoint(method=Step.BACKFILL, most=4),
    "settling": FaultPoint(method=Step.APPLY_CHANGE_LOG),
    "before the switch": FaultPoint(method="cut_over", positions=[Position.BEFORE]),
    "in the switch": FaultPoint(method="cut_over", positions=[Position.INSIDE]),
    "after the switch": FaultPoint(method="cut_over", positions=[Position.AFTER]),
    "folding": FaultPoint(method=Step.MERGE, most=6),
    "reporting": FaultPoint(method="block", most=12),
    "ending a report": FaultPoint(method="block", least=7, most=12),
    "clearing": FaultPoint(method=Step.PURGE),
}
CUT_OVER = ("before the switch", "in the switch", "after the switch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A kind of run.

    Attributes:
        violates: whether writers put people in the way and mend that, until the blows have fallen.
        mends_in_time: whether people are mended when the first blow falls, while they are being reported.
        acts: what is done, at which moments blows may be aimed meanwhile, and where the change comes to rest.
    """

    name: str
    population: PopulationKind
    phases: Sequence[tuple[ActionKind, Sequence[str], Stage]]
    to: Mode = Mode.EMAIL_OR_ID
    on_conflict: OnConflict = OnConflict.BLOCK
    adds_violations: bool = False
    fixes_in_time: bool = False


MERGE = OnConflict.MERGE
COMPLETED, BLOCKED, CANCELLED = Stage.COMPLETED, Stage.BLOCKED, Stage.CANCELLED
PREPARING, MERGING = ("preparing", "settling"), ("folding",)
FIXED = (ActionKind.MEND, ("clearing first", "preparing", *CUT_OVER), COMPLETED)

SCENARIOS: Sequence[Scenario] = (
    Scenario(
        name="clean", population=PopulationKind.CLEAN, phases=[(ActionKind.WISH, (*PREPARING, *CUT_OVER), COMPLETED)]
    ),
    Scenario(
        name="merging",
        population=PopulationKind.SHARING,
        on_conflict=MERGE,
        phases=[(ActionKind.WISH, (*CUT_OVER, *MERGING, *MERGING, *MERGING), COMPLETED)],
    ),
    Scenario(
        name="blocked", population=PopulationKind.VIOLATED, phases=[(ActionKind.WISH, ("reporting",), BLOCKED), FIXED]
    ),
    Scenario(
        name="intruded", population=PopulationKind.CLEAN, phases=[(ActionKind.INTRUDE, ("reporting",), BLOCKED), FIXED]
    ),
    Scenario(
        name="mended in time",
        population=PopulationKind.CLEAN,
        fixes_in_time=True,
        phases=[(ActionKind.INTRUDE, ("ending a report",), COMPLETED)],
    ),
    Scenario(
        name="mending",
        population=PopulationKind.CLEAN,
        adds_violations=True,
        phases=[(ActionKind.WISH, (*PREPARING, *CUT_OVER, "reporting"), COMPLETED)],
    ),
    Scenario(
        name="merging and mending",
        population=PopulationKind.SHARING,
        adds_violations=True,
        on_conflict=MERGE,
        phases=[(ActionKind.WISH, (*PREPARING, *CUT_OVER, *MERGING, "reporting"), COMPLETED)],
    ),
    Scenario(
        name="cancelled",
        population=PopulationKind.SHARING,
        on_conflict=MERGE,
        phases=[(ActionKind.CANCEL, ("clearing",), CANCELLED), (ActionKind.WISH, (*CUT_OVER, *MERGING), COMPLETED)],
    ),
    Scenario(
        name="paused",
        population=PopulationKind.SHARING,
        on_conflict=MERGE,
        phases=[(ActionKind.PAUSE, (*PREPARING, *CUT_OVER, *MERGING), COMPLETED)],
    ),
    Scenario(
        name="merging, blocked",
        population=PopulationKind.SHARING_VIOLATED,
        on_conflict=MERGE,
        phases=[(ActionKind.WISH, ("reporting",), BLOCKED), (ActionKind.MEND, (*CUT_OVER, *MERGING), COMPLETED)],
    ),
    Scenario(
        name="disabling",
        population=PopulationKind.ENABLED,
        to=Mode.ID_ONLY,
        phases=[(ActionKind.WISH, (*CUT_OVER, "clearing"), COMPLETED)],
    ),
)


def _shown_fault(fault: Fault) -> str:
    return f"{fault.victim} {fault.name} ({fault.point or fault.delay})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One run."""

    number: int
    scenario: Scenario
    phases: Sequence[Phase]
    rng: Random = field(repr=False)

    def __str__(self) -> str:
        phases = "; ".join(f"{phase.action}: {', '.join(map(_shown_fault, phase.faults))}" for phase in self.phases)
        return f"run {self.number}, {self.scenario.name}: {phases}"


def schedule_of(number: int) -> Schedule:
    """The scenarios in turn; everything else by chance."""
    rng = Random(number)
    scenario = SCENARIOS[number % len(SCENARIOS)]
    phases = [
        Phase(action=action, faults=_faults(scenario, action, fault_points, rng), end=end)
        for action, fault_points, end in scenario.phases
    ]
    return Schedule(number=number, scenario=scenario, phases=phases, rng=rng)


def _faults(scenario: Scenario, action: ActionKind, fault_points: Sequence[str], rng: Random) -> list[Fault]:
    """One or two at places, in the order in which they are reached, and maybe one at a random moment."""
    first = [_with_action(action, "preparing", rng)] if action in _DURING_BACKFILL else []
    if scenario.fixes_in_time:
        return [*first, _with_action(ActionKind.MEND, "ending a report", rng)]
    names = sorted({rng.choice(fault_points) for _ in range(rng.randint(1, 2))}, key=list(FAULT_POINTS).index)
    aimed = [Fault(victim=_victim(rng), name=name, point=FAULT_POINTS[name].point(rng)) for name in names]
    if rng.random() < 0.4:
        delay = rng.uniform(0, MAX_DELAY)
        aimed.insert(rng.randint(0, len(aimed)), Fault(victim=_victim(rng), name="somewhere", delay=delay))
    return [*first, *aimed]


_DURING_BACKFILL = {ActionKind.INTRUDE, ActionKind.CANCEL, ActionKind.PAUSE}
"""Done when the change is being prepared."""


def _with_action(action: ActionKind, fault_point: str, rng: Random) -> Fault:
    """Not inside a transaction, whose locks the deed would wait for."""
    point = replace(FAULT_POINTS[fault_point].point(rng), position=rng.choice([Position.BEFORE, Position.AFTER]))
    victim = rng.choice([Victim.WORKER, Victim.WORKER, Victim.NOBODY])
    return Fault(victim=victim, name=f"{action} while {fault_point}", point=point, action=action)


def _victim(rng: Random) -> Victim:
    return rng.choices(list(Victim), [5, 2, 3, 1])[0]
