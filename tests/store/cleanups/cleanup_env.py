"""A workspace whose migration people block, and its cleanup, with short methods for the actions of tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.cleanups.worker import CleanupWorker
from workspace_operator.application.ports import Actor, ApplyRequest, Cleanups, DecisionRequest, DecisionResult, Via
from workspace_operator.cleanups.decisions import Decision
from workspace_operator.cleanups.model import OPEN, Cleanup, StoredDecision
from workspace_operator.cleanups.undo import UndoPreview
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage

ACTOR = Actor(name="ada@nordlicht.example", via=Via.CONSOLE)
UNDO_PERIOD = timedelta(days=30)


@dataclass(slots=True)
class CleanupEnv:
    """A workspace of mode IDOnly with people by id, whose change to EmailOrID they block."""

    env: WorkspaceEnv
    cio_ids: dict[str, str]
    number: int = 0

    @classmethod
    def blocked(
        cls, env: WorkspaceEnv, people: Mapping[str, str | None], on_conflict: OnConflict = OnConflict.BLOCK
    ) -> Self:
        """Create people by id, with their addresses, request the change, and open a cleanup."""
        made = cls(env=env, cio_ids={id_: env.add(id_, email) for id_, email in people.items()})
        made.env.migrate_to(Mode.EMAIL_OR_ID, on_conflict)
        assert made.env.stage is Stage.BLOCKED
        made.number = made.open().number
        return made

    @classmethod
    def applied(cls, env: WorkspaceEnv, people: Mapping[str, str | None], decisions: Mapping[str, Decision]) -> Self:
        """A cleanup of these people, by id with their addresses, that was applied; the change was not tried again."""
        draft = cls.blocked(env, people)
        draft.decide(decisions)
        draft.apply()
        draft.work()
        return draft

    @property
    def cleanups(self) -> Cleanups:
        return self.env.store.sql_cleanups

    @property
    def cleanup(self) -> Cleanup:
        return self.cleanups.get(self.env.workspace_id, self.number)

    def open(self) -> Cleanup:
        return self.cleanups.open(self.env.workspace_id, actor=ACTOR, now=self.env.store.clock())[0]

    def decide(self, decisions: Mapping[str, Decision]) -> dict[str, DecisionResult]:
        """Decide about people by id; a survivor is named by its id. Returns results by id."""
        requests = [DecisionRequest(self.cio_ids[id_], self.named(decision)) for id_, decision in decisions.items()]
        decided = self.cleanups.decide(
            self.env.workspace_id, self.number, requests, actor=ACTOR, now=self.env.store.clock()
        )
        return dict(zip(decisions, decided.results, strict=True))

    def named(self, decision: Decision) -> Decision:
        """The decision with the survivor's cio_id instead of its id."""
        if decision.survivor is None:
            return decision
        return Decision(kind=decision.kind, survivor=self.cio_ids.get(decision.survivor, decision.survivor))

    def remove_decisions(self, *ids: str) -> int:
        cio_ids = [self.cio_ids[id_] for id_ in ids]
        return self.cleanups.remove_decisions(
            self.env.workspace_id, self.number, cio_ids, actor=ACTOR, now=self.env.store.clock()
        )

    def apply(self, *, version: int | None = None, deletions: int | None = None) -> Cleanup:
        """Request to apply what is there."""
        seen = self.cleanup
        request = ApplyRequest(
            version=seen.version if version is None else version,
            deletions=seen.deletions if deletions is None else deletions,
        )
        return self.cleanups.apply(self.env.workspace_id, self.number, request, actor=ACTOR, now=self.env.store.clock())

    def undo(self, *ids: str) -> Cleanup:
        """Request to undo all, or decisions about people by id."""
        cio_ids = [self.cio_ids[id_] for id_ in ids] or None
        return self.cleanups.undo(self.env.workspace_id, self.number, cio_ids, actor=ACTOR, now=self.env.store.clock())

    def preview(self, *ids: str) -> UndoPreview:
        """What would come back of all, or of decisions about people by id."""
        previews = self.env.store.undo_previews
        assert previews is not None
        cio_ids = [self.cio_ids[id_] for id_ in ids] or None
        return previews.preview(self.env.workspace_id, self.number, cio_ids, now=self.env.store.clock())

    def worker(
        self, *, batch: int = 500, undo_period: timedelta = UNDO_PERIOD, stopping: Callable[[], bool] = lambda: False
    ) -> CleanupWorker:
        return CleanupWorker(
            cleanups=self.cleanups,
            worker="w1",
            clock=self.env.store.clock,
            undo_period=undo_period,
            batch=batch,
            stopping=stopping,
            sleep=lambda _: None,
        )

    def work(self, *, batch: int = 500, undo_period: timedelta = UNDO_PERIOD) -> None:
        """Run a worker until nothing is due, a second after what made it due."""
        self.env.store.clock.advance(1)
        while self.worker(batch=batch, undo_period=undo_period).work_once():
            pass

    def work_and_stop(self, *, batches: int, size: int = 1) -> None:
        """Run some batches of a few decisions, request a stop if more are left, and let the worker stop."""
        if batches:
            self.env.store.clock.advance(1)
            stopping = iter((*(False for _ in range(batches)), True))
            self.worker(batch=size, stopping=lambda: next(stopping)).work_once()
        if self.cleanup.state in OPEN:
            self.cleanups.stop(self.env.workspace_id, self.number, actor=ACTOR, now=self.env.store.clock())
        self.work()

    def check_again(self) -> None:
        """Let the migration be checked again if that is due, and the draft be counted."""
        self.env.store.clock.advance(6)
        while self.env.work():
            pass
        self.work()

    def person(self, id_: str) -> Person | None:
        """The person that had the id at the start, as it is."""
        return next((each for each in self.people() if each.cio_id == self.cio_ids[id_]), None)

    def people(self) -> list[Person]:
        """All people, by cio_id."""
        return list(self.env.store.people.all(self.env.workspace_id))

    def stored(self, id_: str) -> StoredDecision | None:
        found = self.cleanups.decisions(self.env.workspace_id, self.number, limit=10_000)
        return next((each for each in found if each.cio_id == self.cio_ids[id_]), None)
