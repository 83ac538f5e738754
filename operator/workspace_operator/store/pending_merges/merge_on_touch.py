"""Merge on touch: a group that is one person since a cut-over is merged before its use.

Pending merges must be invisible from the cut-over on: a command that touches a group first merges it, in a separate
transaction (`MergeOnTouch.run`), and queries of all people return survivors instead of groups (`view`). A group cannot
change otherwise: its rows existed when the cut-over released the workspace lock, and no writer changes unmerged rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any, TypeVar

import sqlalchemy as sa

from workspace_operator.errors import Conflict
from workspace_operator.identity.merges.bulk_merge import merge_groups
from workspace_operator.identity.model.working_set import ChangeSet
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, force_custom_plan, workspace_any_of
from workspace_operator.store.pending_merges.view import group_by_email_key, last_cut_over, people_with_keys
from workspace_operator.store.schema.tables import KIND_ID, identifier, person, shared_email
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.flush import write_people
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import IS_PENDING, PendingMerge
from workspace_operator.store.unit_of_work.workspace_lock import lock_shared, read_settings

T = TypeVar("T")

MAX_GROUPS_PER_TRANSACTION = 300
MAX_PEOPLE_PER_TRANSACTION = 1000
"""Limit of people per transaction, except for a single larger group: all are locked until the transaction ends."""

PARALLELISM = 2
"""Number of concurrent transactions; one on SQLite."""

MAX_ROUNDS = 5
"""One round finds all groups that a command touches; more than two rounds indicate an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRun:
    """The number of transactions of a merge, and the seconds of the longest one's locks."""

    transactions: int
    longest: float


@dataclass(frozen=True, slots=True)
class MergeOnTouch:
    """Merges groups of a database's workspaces."""

    database: Database
    _new_ids: dict[datetime, CioIDGenerator] = field(default_factory=dict, init=False)

    def run(self, workspace_id: int, work: Callable[[], T]) -> T:
        """Run ``work``; after PendingMerge, merge the groups and run it again."""
        for _ in range(MAX_ROUNDS):
            try:
                return work()
            except PendingMerge as pending:
                self.merge(workspace_id, pending.keys)
        raise Conflict(f"workspace number {workspace_id} still has pending merges of these people; try again")

    def merge(self, workspace_id: int, keys: Iterable[str]) -> MergeRun:
        """Merge groups by their e-mail keys; groups that are already merged are skipped. Raises NotFound."""
        ordered, size = sorted(keys), MAX_GROUPS_PER_TRANSACTION
        parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        if self.database.is_sqlite or len(parts) < 2:
            return _combined(self._merge_part(workspace_id, part) for part in parts)
        # This process works on one transaction while the database works on the other; more than two gain little.
        with ThreadPoolExecutor(PARALLELISM) as pool:
            return _combined(pool.map(partial(self._merge_part, workspace_id), parts))

    def _merge_part(self, workspace_id: int, keys: Sequence[str]) -> MergeRun:
        transactions, longest = 0, 0.0
        while keys:
            work = partial(self._merge_groups, workspace_id=workspace_id, keys=keys)
            last, seconds = self.database.writing_timed(work)
            transactions, longest = transactions + 1, max(longest, seconds)
            keys = () if last is None else keys[keys.index(last) + 1 :]
        return MergeRun(transactions=transactions, longest=longest)

    def _merge_groups(self, connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> str | None:
        """Merge the first of these groups; return the last key, or None after all of them."""
        force_custom_plan(connection)  # a plan from the time of the first groups reads whole tables for each later one
        settings = read_settings(connection, workspace_id)
        lock_shared(connection, settings)
        groups = _pending_groups(connection, workspace_id, keys) if settings.row.merges_pending else {}
        chosen = _first_groups(groups, max_people=MAX_PEOPLE_PER_TRANSACTION)
        last = None if len(chosen) == len(groups) else chosen[-1]
        # A concurrent merge of these groups waits.
        locked = [key for key, _ in _LOCK_GROUPS.run(connection, _group_parameters(workspace_id, chosen))]
        if not locked:
            return last
        switched_at, number = last_cut_over(connection, workspace_id)
        people = people_with_keys(connection, workspace_id, locked)
        groups_of_people = group_by_email_key(people)
        changes = merge_groups(groups_of_people, now=int(switched_at.timestamp()), migration_number=number)
        _lock_changed_rows(connection, workspace_id, changes)
        write_people(connection, workspace_id, changes, {})
        write_events(connection, workspace_id, changes.events, new_id=self._new_id(switched_at))
        _MARK_MERGED.run(connection, _group_parameters(workspace_id, locked))
        return last

    def _new_id(self, switched_at: datetime) -> CioIDGenerator:
        """A generator of ids at the time of the cut-over, which sort between earlier and later ids."""
        return self._new_ids.setdefault(switched_at, CioIDGenerator(switched_at.timestamp))


@dataclass(frozen=True, slots=True)
class MergeOnTouchRepository:
    """Base of repositories that merge groups before they touch them."""

    database: Database
    merge_on_touch: MergeOnTouch = field(init=False)

    def __post_init__(self) -> None:
        """Create the `MergeOnTouch` of the database."""
        object.__setattr__(self, "merge_on_touch", MergeOnTouch(self.database))


def _combined(parts: Iterable[MergeRun]) -> MergeRun:
    runs = list(parts)
    longest = max((run.longest for run in runs), default=0)
    return MergeRun(transactions=sum(run.transactions for run in runs), longest=longest)


def _pending_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> Mapping[str, int]:
    """The number of people of each unmerged group by e-mail key, read without a lock."""
    return dict(_GROUPS.run(connection, _group_parameters(workspace_id, keys)))


def _first_groups(groups: Mapping[str, int], *, max_people: int) -> Sequence[str]:
    """The keys of the first groups, at least one, with up to ``max_people`` in total."""
    sums = accumulate(groups.values())
    return [key for i, (key, people) in enumerate(zip(groups, sums, strict=True)) if people <= max_people or i == 0]


def _group_parameters(workspace_id: int, keys: Sequence[str]) -> dict[str, object]:
    return {"of_workspace": workspace_id, "keys": encode_json(keys)}


_PENDING = sa.select(shared_email.c.email_key, shared_email.c.people).where(IS_PENDING)
_GROUPS = CompiledStatement(lambda _: _PENDING.order_by(shared_email.c.email_key))
_LOCK_GROUPS = CompiledStatement(lambda _: _PENDING.order_by(shared_email.c.email_key).with_for_update())
_MARK_MERGED = CompiledStatement(lambda _: sa.update(shared_email).where(IS_PENDING).values(merged=sa.true()))


def _lock_changed_rows(connection: sa.Connection, workspace_id: int, changes: ChangeSet) -> None:
    """Lock ids and people that are removed or changed, in `loader`'s order.

    The groups are already locked: another command that touches them waits for that lock, so that the rows cannot have
    changed since they were read.
    """
    if connection.dialect.name == "sqlite":
        return
    ids = [key for _, key in changes.identifiers_removed]
    changed = (*changes.removed, *(replaced.before for replaced in changes.replaced))
    cio_ids = [person.cio_id for person in changed]
    _LOCK.run(connection, {"of_workspace": workspace_id, "ids": encode_json(ids), "cio_ids": encode_json(cio_ids)})


def _locking(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - only for PostgreSQL
    def locked(column: sa.Column[Any], values: str, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return sa.select(column).where(workspace_any_of(column, values), *conditions).order_by(column).with_for_update()

    ids = locked(identifier.c.value_key, "ids", identifier.c.kind == sa.literal_column(str(KIND_ID))).cte("ids")
    people = locked(person.c.cio_id, "cio_ids").cte("people")
    counts = (sa.select(sa.func.count()).select_from(rows).scalar_subquery() for rows in (ids, people))
    return sa.select(*counts)


_LOCK = CompiledStatement(_locking)
