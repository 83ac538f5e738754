"""Cleanups in the database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, count
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

import sqlalchemy as sa

from workspace_operator.application.ports import (
    NOTHING_SEEN,
    Actor,
    ApplyRequest,
    AuditAction,
    Batch,
    Decided,
    DecisionRequest,
    ExecuteDecisions,
    Lease,
    MadeDecisions,
    NumberedDecision,
    SeenDecisions,
)
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Cleanup, CleanupState, Outcome, StoredDecision
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import identifiers_of
from workspace_operator.identity.values.rules import EMAIL_OR_ID
from workspace_operator.store.cleanups import audit, batches, drafts, states
from workspace_operator.store.cleanups.records import read_records
from workspace_operator.store.cleanups.rows import (
    CLEANUPS,
    cleanup_of,
    decision_of,
    lock_draft,
    no_such_cleanup,
    read_cleanup,
)
from workspace_operator.store.engine.contention import ContentionProbe
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.engine.sql import force_custom_plan
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.queries.job_leases import claim_job
from workspace_operator.store.queries.suppressions import suppressed_identifiers
from workspace_operator.store.schema.cleanup_tables import cleanup, cleanup_decision
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.merge_rows import merge_of, merge_rows
from workspace_operator.store.unit_of_work.sql_unit_of_work import SQLUnitOfWork, WorkspaceCache, open_unit_of_work


class BatchLimits(NamedTuple):
    """How much a batch may disturb other writers.

    Attributes:
        hold: seconds that it may block them.
        pause_ratio: the pause after it, as a multiple of its duration.
    """

    hold: float
    pause_ratio: float

    def batch(self, seconds: float, *, done: bool, contended: bool) -> Batch:
        """The result of a batch that blocked them for some seconds."""
        ratio = seconds / self.hold
        return Batch(done=done, contended=contended, lock_time_ratio=ratio, pause_ratio=self.pause_ratio)


BLOCKING_ALL: Final = BatchLimits(hold=0.05, pause_ratio=1.2)
"""While it runs, nobody else writes to the workspace, as on SQLite: the others need more than half of the time."""

BLOCKING_ITS_PEOPLE: Final = BatchLimits(hold=0.25, pause_ratio=0.3)
"""While it runs, only commands about its own people wait: decisions on PostgreSQL."""


class _Change(Protocol):
    """A change that somebody asks for."""

    def __call__(
        self, connection: sa.Connection, workspace_id: int, number: int, /, *, now: datetime
    ) -> states.Changed: ...


_KEEPING_RECORDS = [CleanupState.APPLIED.value, CleanupState.UNDONE.value]


@dataclass(frozen=True, slots=True)
class SQLCleanups(MergeOnTouchRepository):
    """Implements the port ``Cleanups``."""

    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)
    _cache: WorkspaceCache = field(default_factory=WorkspaceCache, init=False)
    _contention: ContentionProbe = field(default_factory=ContentionProbe, init=False)

    def open(
        self, workspace_id: int, *, migration: int | None = None, actor: Actor, now: datetime
    ) -> tuple[Cleanup, bool]:
        """The cleanup that has not ended, or a new one. Raises NotFound and Conflict."""

        def work(connection: sa.Connection) -> tuple[Cleanup, bool]:
            number, is_new = states.open_cleanup(connection, workspace_id, migration, actor=actor.name, now=now)
            return _get(connection, workspace_id, number), is_new

        return self.database.writing(work)

    def cleanups(self, workspace_id: int, *, limit: int | None = None) -> Sequence[Cleanup]:
        """The cleanups of a workspace, newest first."""
        query = CLEANUPS.where(cleanup.c.workspace_id == workspace_id).order_by(cleanup.c.number.desc())
        with self.database.reading() as connection:
            return [cleanup_of(row) for row in connection.execute(query.limit(limit))]

    def get(self, workspace_id: int, number: int) -> Cleanup:
        """A cleanup. Raises NotFound."""
        with self.database.reading() as connection:
            return _get(connection, workspace_id, number)

    def decisions(self, workspace_id: int, number: int, *, after: str = "", limit: int) -> Sequence[StoredDecision]:
        """Decisions in the order of cio_ids. Raises NotFound."""
        query = sa.select(cleanup_decision).filter_by(workspace_id=workspace_id, cleanup_number=number)
        following = query.where(cleanup_decision.c.cio_id > after).order_by(cleanup_decision.c.cio_id).limit(limit)
        with self.database.reading_one_snapshot() as connection:
            _get(connection, workspace_id, number)
            return [decision_of(row) for row in connection.execute(following)]

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
        """Decisions of a kind with an outcome, in the order of cio_ids."""
        column = cleanup_decision.c.outcome
        of_kind = sa.and_(cleanup_decision.c.kind == kind.value, cleanup_decision.c.cio_id > after)
        query = sa.select(cleanup_decision).filter_by(workspace_id=workspace_id, cleanup_number=number)
        query = query.where(column.is_(None) if outcome is None else column == outcome.value, of_kind)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(cleanup_decision.c.cio_id).limit(limit))
            return [decision_of(row) for row in rows]

    def decisions_about(self, workspace_id: int, cio_id: str) -> Sequence[NumberedDecision]:
        """The decisions about a person in all cleanups, newest cleanup first."""
        # Sorted here: for ORDER BY with a LIMIT, PostgreSQL may read the decisions about everybody.
        query = sa.select(cleanup_decision).filter_by(workspace_id=workspace_id, cio_id=cio_id)
        with self.database.reading() as connection:
            found = [NumberedDecision(row.cleanup_number, decision_of(row)) for row in connection.execute(query)]
        return sorted(found, key=attrgetter("cleanup"), reverse=True)

    def former_people(
        self, workspace_id: int, number: int, decisions: Sequence[StoredDecision]
    ) -> Mapping[str, Person]:
        """The people whom these decisions merged or deleted, by cio_id, as they were before. Raises NotFound."""
        merge_ids = [each.merge_id for each in decisions if each.merge_id is not None]
        deleted = [each.cio_id for each in decisions if each.decision.kind is DecisionKind.DELETE]
        with self.database.reading_one_snapshot() as connection:
            row = read_cleanup(connection, workspace_id, number).row
            merges = merge_rows(connection, workspace_id, merge_ids)
            records = read_records(connection, row, deleted)
            former = [merge_of(merge).secondary for merge in merges.values()]
            former += [record.person.before for record in records.values()]
            named = {person.cio_id: identifiers_of(EMAIL_OR_ID, person.id, person.email_key) for person in former}
            suppressed = suppressed_identifiers(connection, workspace_id, set(chain.from_iterable(named.values())))
        return {person.cio_id: person for person in former if suppressed.isdisjoint(named[person.cio_id])}

    def makers(self, workspace_id: int, number: int, *, limit: int) -> Sequence[MadeDecisions]:
        """Who made decisions, counted over some of them."""
        columns = (cleanup_decision.c.decided_by, cleanup_decision.c.kind)
        first = sa.select(*columns).filter_by(workspace_id=workspace_id, cleanup_number=number)
        read = first.order_by(cleanup_decision.c.cio_id).limit(limit).subquery()
        grouped = (read.c.decided_by, read.c.kind)
        query = sa.select(*grouped, sa.func.count()).group_by(*grouped).order_by(*grouped)
        with self.database.reading() as connection:
            return [MadeDecisions(actor, DecisionKind(kind), made) for actor, kind, made in connection.execute(query)]

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
        """Make decisions. Raises NotFound, Conflict and StaleRevision."""

        def work(connection: sa.Connection) -> Decided:
            locked = lock_draft(connection, workspace_id, number)
            locked.raise_if_changed(seen)
            results = drafts.decide(locked, requests, drafts.Maker(actor=actor.name, now=now))
            made = sum(result.refusal is None for result in results)
            if made:
                audit.record_decisions(locked, actor, made=made, removed=0, now=now, new_id=self.new_id)
            return Decided(results, _get(connection, workspace_id, number))

        return self.database.writing(work)

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
        """Remove decisions. Raises NotFound, Conflict and StaleRevision."""

        def work(connection: sa.Connection) -> int:
            locked = lock_draft(connection, workspace_id, number)
            locked.raise_if_changed(seen)
            removed = drafts.remove_decisions(locked, cio_ids, now)
            if removed:
                audit.record_decisions(locked, actor, made=0, removed=removed, now=now, new_id=self.new_id)
            return removed

        return self.database.writing(work)

    def discard(
        self, workspace_id: int, number: int, *, version: int | None = None, actor: Actor, now: datetime
    ) -> Cleanup:
        """End a draft. Raises NotFound, Conflict and StaleRevision."""
        change = partial(states.discard, version=version)
        return self._change(workspace_id, number, change, AuditAction.DISCARDED, actor, now)

    def apply(self, workspace_id: int, number: int, request: ApplyRequest, *, actor: Actor, now: datetime) -> Cleanup:
        """Have the worker apply a draft. Raises as the port says."""
        change = partial(states.request_apply, request=request, actor=actor.name)
        return self._change(workspace_id, number, change, AuditAction.APPLIED, actor, now)

    def stop(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> Cleanup:
        """Have the worker stop. Raises NotFound and Conflict."""
        return self._change(workspace_id, number, states.request_stop, AuditAction.STOPPED, actor, now)

    def undo(
        self, workspace_id: int, number: int, cio_ids: Collection[str] | None, *, actor: Actor, now: datetime
    ) -> Cleanup:
        """Have the worker undo decisions. Raises as the port says."""
        change = partial(states.request_undo, cio_ids=cio_ids)
        return self._change(workspace_id, number, change, AuditAction.UNDONE, actor, now)

    def _change(
        self, workspace_id: int, number: int, change: _Change, action: AuditAction, actor: Actor, now: datetime
    ) -> Cleanup:
        def work(connection: sa.Connection) -> Cleanup:
            locked, detail = change(connection, workspace_id, number, now=now)
            audit.record(locked, action, actor, detail, now=now, new_id=self.new_id)
            return _get(connection, workspace_id, number)

        return self.database.writing(work)

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> Cleanup | None:
        """Lease a cleanup that is due."""
        first = claim_job(
            self.database,
            cleanup,
            lease,
            now=now,
            waiting_states=_KEEPING_RECORDS,
            workspace_id=workspace_id,
        )
        return None if first is None else self.get(first.workspace_id, first.number)

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
        """Run a batch in a transaction. Raises StaleRevision."""
        workspace_id, attempts = cleanup.workspace_id, count(1)
        locks_workspace = cleanup.state is CleanupState.UNDOING

        def attempt(connection: sa.Connection) -> tuple[bool, bool]:
            force_custom_plan(connection)  # a generic plan for any cursor and any keys is usually bad here
            request = batches.BatchRequest(
                connection=connection,
                cleanup=cleanup,
                lease=lease,
                execute=execute,
                open_unit=lambda: self._open_unit(connection, workspace_id, next(attempts)),
                size=size,
                undo_period=undo_period,
                now=now,
            )
            try:
                done = batches.run_batch(request)
            except (RetryTransaction, NotFound):
                self._cache.invalidate(workspace_id)
                raise
            return done, self._contention.others_wrote(connection, workspace_id, kept_others_out=locks_workspace)

        try:
            (done, contended), seconds = self.merge_on_touch.run(
                workspace_id, lambda: self.database.writing_timed(attempt)
            )
        except NotFound as error:  # the workspace was deleted
            raise StaleRevision(str(error)) from error
        limits = BLOCKING_ALL if self.database.is_sqlite or locks_workspace else BLOCKING_ITS_PEOPLE
        return limits.batch(seconds, done=done, contended=contended)

    def _open_unit(self, connection: sa.Connection, workspace_id: int, attempt: int) -> SQLUnitOfWork:
        return open_unit_of_work(
            connection,
            workspace_id,
            attempt=attempt,
            exclusive=False,
            cache=self._cache,
            new_cio_id=self.new_id,
            keeps_records=True,
        )

    def release_lease(self, cleanup: Cleanup, lease: Lease, *, due_at: datetime) -> None:
        """Release the lease, if this worker still has it."""
        self.database.writing(lambda connection: states.release(connection, cleanup, lease.worker, due_at))


def _get(connection: sa.Connection, workspace_id: int, number: int) -> Cleanup:
    query = CLEANUPS.where(cleanup.c.workspace_id == workspace_id, cleanup.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise no_such_cleanup(number)
    return cleanup_of(row)
