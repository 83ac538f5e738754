"""Port of the cleanups: decisions about the people that block a migration, how they are applied and undone."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol, TypeAlias

from workspace_operator.application.ports.accounts.audit import Actor
from workspace_operator.application.ports.migrations import Batch, Lease
from workspace_operator.application.ports.people import UnitOfWork
from workspace_operator.cleanups.decisions import Decision, DecisionKind
from workspace_operator.cleanups.evaluation import Evaluation
from workspace_operator.cleanups.execution import SkipReason
from workspace_operator.cleanups.model import Cleanup, Outcome, StoredDecision
from workspace_operator.identity.model.person import Person


class DecisionRequest(NamedTuple):
    """A decision to make about a person."""

    cio_id: str
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionResult:
    """What became of a request.

    Attributes:
        refusal: why the decision was not made, as a sentence; None if it was.
        evaluation: the state of the person's groups before and after the decision, as one; None if the decision was
            refused, or while decisions are counted again.
    """

    cio_id: str
    refusal: str | None = None
    evaluation: Evaluation | None = None


class Decided(NamedTuple):
    """What became of requests, in their order, and the cleanup right after them."""

    results: Sequence[DecisionResult]
    cleanup: Cleanup


class NumberedDecision(NamedTuple):
    """A decision, and the number of its cleanup."""

    cleanup: int
    stored: StoredDecision


class MadeDecisions(NamedTuple):
    """How many decisions of a kind somebody made."""

    actor: str
    kind: DecisionKind
    decisions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRequest:
    """Which draft is to be applied, as whoever wants it saw it.

    Attributes:
        version: of the draft, which must not have changed since.
        deletions: number of people that are to be deleted, which must be the right one.
    """

    version: int
    deletions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedDecision:
    """What became of a decision in a unit of work.

    Attributes:
        skipped: why it was not carried out; None if it was.
        before: the person before it was carried out; None if the decision changes nobody.
    """

    stored: StoredDecision
    skipped: SkipReason | None = None
    before: Person | None = None


ExecuteDecisions: TypeAlias = Callable[[UnitOfWork, Sequence[StoredDecision]], Sequence[ExecutedDecision]]
"""Carries decisions out in a unit of work, in their order."""


SeenDecisions: TypeAlias = Mapping[str, Decision | None]
"""Decisions that somebody saw, or None for none, by cio_id."""

NOTHING_SEEN: Final[SeenDecisions] = {}


class Cleanups(Protocol):
    """The cleanups of all workspaces. A method that names one raises NotFound if there is none of that number.

    A method of the worker raises StaleRevision if the lease was lost.
    """

    def open(
        self, workspace_id: int, *, migration: int | None = None, actor: Actor, now: datetime
    ) -> tuple[Cleanup, bool]:
        """The cleanup of a workspace that has not ended, or a new one, and whether it is new.

        Raises Conflict if there is none, and no migration is blocked; with ``migration``, if this is not the one.
        """
        ...

    def cleanups(self, workspace_id: int, *, limit: int | None = None) -> Sequence[Cleanup]:
        """The cleanups of a workspace, newest first; all of them without a limit."""
        ...

    def get(self, workspace_id: int, number: int) -> Cleanup:
        """A cleanup."""
        ...

    def decisions(self, workspace_id: int, number: int, *, after: str = "", limit: int) -> Sequence[StoredDecision]:
        """Decisions in the order of cio_ids, after one of them."""
        ...

    def decisions_of_kind(
        self,
        workspace_id: int,
        number: int,
        kind: DecisionKind,
        *,
        outcome: Outcome | None,
        after: str = "",
        limit: int,
    ) -> Sequence[StoredDecision]:
        """Decisions of a kind with an outcome, or None for those without one, in the order of cio_ids."""
        ...

    def decisions_about(self, workspace_id: int, cio_id: str) -> Sequence[NumberedDecision]:
        """The decisions about a person in all cleanups, newest cleanup first."""
        ...

    def former_people(
        self, workspace_id: int, number: int, decisions: Sequence[StoredDecision]
    ) -> Mapping[str, Person]:
        """The people whom these decisions merged or deleted, by cio_id, as they were before.

        Left out are those whose record is gone, since it was erased or the undo has ended, and those whose id or
        address is suppressed.
        """
        ...

    def makers(self, workspace_id: int, number: int, *, limit: int) -> Sequence[MadeDecisions]:
        """Who made decisions, counted over the first ``limit`` decisions in the order of cio_ids."""
        ...

    def decide(
        self,
        workspace_id: int,
        number: int,
        requests: Sequence[DecisionRequest],
        *,
        seen: SeenDecisions = NOTHING_SEEN,
        actor: Actor,
        now: datetime,
    ) -> Decided:
        """Make decisions, each about another person, and replace earlier ones.

        ``seen`` are those on which the caller relies. Raises Conflict if it is no draft, and StaleRevision if other
        ones are stored by now; then nothing is decided.
        """
        ...

    def remove_decisions(
        self,
        workspace_id: int,
        number: int,
        cio_ids: Collection[str],
        *,
        seen: SeenDecisions = NOTHING_SEEN,
        actor: Actor,
        now: datetime,
    ) -> int:
        """Remove decisions, and return how many there were. ``seen`` and errors are as of `decide`."""
        ...

    def discard(
        self, workspace_id: int, number: int, *, version: int | None = None, actor: Actor, now: datetime
    ) -> Cleanup:
        """End a draft without applying it.

        Raises Conflict if it is no draft, and StaleRevision if it has another version than the one that the caller
        has seen; None for any.
        """
        ...

    def apply(self, workspace_id: int, number: int, request: ApplyRequest, *, actor: Actor, now: datetime) -> Cleanup:
        """Have the worker apply a draft, or go on with a cleanup that was stopped while it was applied.

        Raises:
            StaleRevision: the draft has changed, or its decisions are being counted.
            InvalidInput: the number of deletions is another one, or there is nothing to apply.
            Conflict: it is no draft and cannot be continued, or the migration is paused.
        """
        ...

    def stop(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> Cleanup:
        """Have the worker stop applying or undoing; what was done stays done. Raises Conflict if it does neither."""
        ...

    def undo(
        self, workspace_id: int, number: int, cio_ids: Collection[str] | None, *, actor: Actor, now: datetime
    ) -> Cleanup:
        """Have the worker undo a cleanup, or decisions about some people of it.

        Raises:
            Conflict: it was not applied, or its undo has ended.
            InvalidInput: it has no decision about one of these people that can be undone.
        """
        ...

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> Cleanup | None:
        """Lease a cleanup, of one workspace if given, that is due and not leased by another worker; None: no such."""
        ...

    def run_batch(
        self,
        cleanup: Cleanup,
        lease: Lease,
        execute: ExecuteDecisions,
        *,
        size: int,
        undo_period: timedelta,
        now: datetime,
    ) -> Batch:
        """Do up to ``size`` rows of what is to be done; done when nothing is left for now.

        Decisions are counted, carried out by ``execute``, undone, or deleted, depending on the state of the cleanup.
        One that was applied can be undone for ``undo_period``; if that is zero, nothing is kept to undo it.
        """
        ...

    def release_lease(self, cleanup: Cleanup, lease: Lease, *, due_at: datetime) -> None:
        """Release the lease of a cleanup that has work left."""
        ...
