"""The schedule of a run, derived from its number: the migration, the faults, and the expected end."""

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
"""Seconds to a random moment; about the duration of a migration."""


class Victim(StrEnum):
    """The process that is killed."""

    WORKER = "worker"
    WRITER = "writer"
    DATABASE = "database"
    """On SQLite, a writer inside a transaction: there the database is part of each process."""
    NONE = "none"
    """The worker only pauses while another one takes over, and then continues."""


class ActionKind(StrEnum):
    """An action of the test on the migration."""

    NOTHING = "nothing"
    REQUEST = "request"
    FIX = "fix"
    ADD_VIOLATIONS = "add violations"
    CANCEL = "cancel"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kill at a breakpoint or after a delay in seconds, and an action right before it."""

    victim: Victim
    name: str
    point: Breakpoint | None = None
    delay: float = 0.0
    action: ActionKind = ActionKind.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """An action, the faults after it, and the stage at which the migration comes to rest."""

    action: ActionKind
    faults: Sequence[Fault]
    end: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPoint:
    """A range of transactions of a method."""

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
    "purging first": FaultPoint(method=Step.PURGE),
    "backfill": FaultPoint(method=Step.BACKFILL, most=4),
    "applying the change log": FaultPoint(method=Step.APPLY_CHANGE_LOG),
    "before the cut-over": FaultPoint(method="cut_over", positions=[Position.BEFORE]),
    "in the cut-over": FaultPoint(method="cut_over", positions=[Position.INSIDE]),
    "after the cut-over": FaultPoint(method="cut_over", positions=[Position.AFTER]),
    "merging groups": FaultPoint(method=Step.MERGE, most=6),
    "exporting": FaultPoint(method="block", most=12),
    "ending an export": FaultPoint(method="block", least=7, most=12),
    "purging": FaultPoint(method=Step.PURGE),
}
CUT_OVER = ("before the cut-over", "in the cut-over", "after the cut-over")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A kind of run.

    Attributes:
        phases: actions, the possible fault points of each, and the stage at its end.
        adds_violations: whether writers add and fix violations until the last fault.
        fixes_in_time: whether violations are fixed at the first fault, while they are exported.
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
PREPARING, MERGING = ("backfill", "applying the change log"), ("merging groups",)
FIXED = (ActionKind.FIX, ("purging first", "backfill", *CUT_OVER), COMPLETED)

SCENARIOS: Sequence[Scenario] = (
    Scenario(
        name="clean", population=PopulationKind.CLEAN, phases=[(ActionKind.REQUEST, (*PREPARING, *CUT_OVER), COMPLETED)]
    ),
    Scenario(
        name="merging",
        population=PopulationKind.SHARING,
        on_conflict=MERGE,
        phases=[(ActionKind.REQUEST, (*CUT_OVER, *MERGING, *MERGING, *MERGING), COMPLETED)],
    ),
    Scenario(
        name="blocked",
        population=PopulationKind.VIOLATED,
        phases=[(ActionKind.REQUEST, ("exporting",), BLOCKED), FIXED],
    ),
    Scenario(
        name="violated meanwhile",
        population=PopulationKind.CLEAN,
        phases=[(ActionKind.ADD_VIOLATIONS, ("exporting",), BLOCKED), FIXED],
    ),
    Scenario(
        name="fixed in time",
        population=PopulationKind.CLEAN,
        fixes_in_time=True,
        phases=[(ActionKind.ADD_VIOLATIONS, ("ending an export",), COMPLETED)],
    ),
    Scenario(
        name="fixing",
        population=PopulationKind.CLEAN,
        adds_violations=True,
        phases=[(ActionKind.REQUEST, (*PREPARING, *CUT_OVER, "exporting"), COMPLETED)],
    ),
    Scenario(
        name="merging and fixing",
        population=PopulationKind.SHARING,
        adds_violations=True,
        on_conflict=MERGE,
        phases=[(ActionKind.REQUEST, (*PREPARING, *CUT_OVER, *MERGING, "exporting"), COMPLETED)],
    ),
    Scenario(
        name="cancelled",
        population=PopulationKind.SHARING,
        on_conflict=MERGE,
        phases=[(ActionKind.CANCEL, ("purging",), CANCELLED), (ActionKind.REQUEST, (*CUT_OVER, *MERGING), COMPLETED)],
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
        phases=[(ActionKind.REQUEST, ("exporting",), BLOCKED), (ActionKind.FIX, (*CUT_OVER, *MERGING), COMPLETED)],
    ),
    Scenario(
        name="disabling",
        population=PopulationKind.ENABLED,
        to=Mode.ID_ONLY,
        phases=[(ActionKind.REQUEST, (*CUT_OVER, "purging"), COMPLETED)],
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
    """Take the scenarios in turn and everything else at random."""
    rng = Random(number)
    scenario = SCENARIOS[number % len(SCENARIOS)]
    phases = [
        Phase(action=action, faults=_faults(scenario, action, fault_points, rng), end=end)
        for action, fault_points, end in scenario.phases
    ]
    return Schedule(number=number, scenario=scenario, phases=phases, rng=rng)


def _faults(scenario: Scenario, action: ActionKind, fault_points: Sequence[str], rng: Random) -> list[Fault]:
    """One or two faults at breakpoints, in the order of the steps, and maybe one at a random moment."""
    first = [_with_action(action, "backfill", rng)] if action in _DURING_BACKFILL else []
    if scenario.fixes_in_time:
        return [*first, _with_action(ActionKind.FIX, "ending an export", rng)]
    names = sorted({rng.choice(fault_points) for _ in range(rng.randint(1, 2))}, key=list(FAULT_POINTS).index)
    aimed = [Fault(victim=_victim(rng), name=name, point=FAULT_POINTS[name].point(rng)) for name in names]
    if rng.random() < 0.4:
        delay = rng.uniform(0, MAX_DELAY)
        aimed.insert(rng.randint(0, len(aimed)), Fault(victim=_victim(rng), name="somewhere", delay=delay))
    return [*first, *aimed]


_DURING_BACKFILL = {ActionKind.ADD_VIOLATIONS, ActionKind.CANCEL, ActionKind.PAUSE}
"""Actions during the backfill."""


def _with_action(action: ActionKind, fault_point: str, rng: Random) -> Fault:
    """A fault outside of transactions, since the action would wait for their locks."""
    point = replace(FAULT_POINTS[fault_point].point(rng), position=rng.choice([Position.BEFORE, Position.AFTER]))
    victim = rng.choice([Victim.WORKER, Victim.WORKER, Victim.NONE])
    return Fault(victim=victim, name=f"{action} while {fault_point}", point=point, action=action)


def _victim(rng: Random) -> Victim:
    return rng.choices(list(Victim), [5, 2, 3, 1])[0]
