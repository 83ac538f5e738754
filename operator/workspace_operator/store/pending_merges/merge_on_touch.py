"""People who are one person since the switch of a change that merges, and whose rows are not put together yet.

From the switch on nobody must be able to tell: whatever touches one of them folds the group first, in a transaction of
its own (`MergeOnTouch.folding`), and what looks at everybody sees survivors in their places (`view`). A group cannot
change otherwise: its people had these rows when the fence was opened again, and nobody writes them unfolded.
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
from workspace_operator.store.pending_merges.view import group_by_email_key, people_with_keys, switched_at_of
from workspace_operator.store.schema.mappers import IS_PENDING_MERGE
from workspace_operator.store.schema.tables import KIND_ID, identifier, person, shared_email
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.flush import write_people
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import PendingMerge
from workspace_operator.store.unit_of_work.workspace_lock import lock_shared, read_settings

T = TypeVar("T")

MAX_GROUPS_PER_TRANSACTION = 300
MAX_PEOPLE_PER_TRANSACTION = 1000
"""Most groups a transaction, and most people, but for a group that is larger: all of them are locked until it ends."""

PARALLELISM = 2
"""So many transactions at a time, where there can be several."""

MAX_ROUNDS = 5
"""Groups that a call touches are all found at once; more rounds than two mean that something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRun:
    """In how many transactions groups were folded, and how many seconds the longest of them kept its locks."""

    transactions: int
    longest: float


@dataclass(frozen=True, slots=True)
class MergeOnTouch:
    """Folds groups of a database's workspaces."""

    database: Database
    _new_ids: dict[datetime, CioIDGenerator] = field(default_factory=dict, init=False)

    def run(self, workspace_id: int, work: Callable[[], T]) -> T:
        """Do some work, and again when groups that it touches are folded."""
        for _ in range(MAX_ROUNDS):
            try:
                return work()
            except PendingMerge as found:
                self.merge(workspace_id, found.keys)
        raise Conflict(f"people of workspace number {workspace_id} do not come to rest; try again")

    def merge(self, workspace_id: int, keys: Iterable[str]) -> MergeRun:
        """Put groups together, by their e-mail keys; those that are folded already are left alone.

        Raises:
            NotFound: the workspace is gone.
        """
        ordered = sorted(keys)
        parts = [
            ordered[start : start + MAX_GROUPS_PER_TRANSACTION]
            for start in range(0, len(ordered), MAX_GROUPS_PER_TRANSACTION)
        ]
        if self.database.is_sqlite or len(parts) < 2:
            return _combined(self._merge_part(workspace_id, part) for part in parts)
        # While the database works for one we work on the other; more than two gain next to nothing.
        with ThreadPoolExecutor(PARALLELISM) as pool:
            return _combined(pool.map(partial(self._merge_part, workspace_id), parts))

    def _merge_part(self, workspace_id: int, keys: Sequence[str]) -> MergeRun:
        transactions, longest = 0, 0.0
        while keys:
            done, seconds = self.database.writing_timed(
                partial(self._merge_groups, workspace_id=workspace_id, keys=keys)
            )
            transactions, longest = transactions + 1, max(longest, seconds)
            keys = () if done is None else keys[keys.index(done) + 1 :]
        return MergeRun(transactions=transactions, longest=longest)

    def _merge_groups(self, connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> str | None:
        """Fold the first of these groups; up to which one, None is all."""
        force_custom_plan(connection)  # a plan from when the first were folded reads whole tables for each of the last
        settings = read_settings(connection, workspace_id)
        lock_shared(connection, settings)
        groups = _pending_groups(connection, workspace_id, keys) if settings.row.merges_pending else {}
        chosen = _first_groups(groups, most=MAX_PEOPLE_PER_TRANSACTION)
        done = None if len(chosen) == len(groups) else chosen[-1]
        some = _lock_groups(connection, workspace_id, chosen)
        if not some:
            return done
        switched_at = switched_at_of(connection, workspace_id)
        people = people_with_keys(connection, workspace_id, some)
        changes = merge_groups(group_by_email_key(people), now=int(switched_at.timestamp()))
        _lock_changed_rows(connection, workspace_id, changes)
        write_people(connection, workspace_id, changes, {})
        write_events(connection, workspace_id, changes.events, new_id=self._new_id(switched_at))
        _mark_merged(connection, workspace_id, some)
        return done

    def _new_id(self, switched_at: datetime) -> CioIDGenerator:
        """Names of what happened at the switch: they sort between what was before and what came after."""
        return self._new_ids.setdefault(switched_at, CioIDGenerator(switched_at.timestamp))


@dataclass(frozen=True, slots=True)
class MergeOnTouchRepository:
    """A port's implementation on a database, in which groups are folded before they are touched."""

    database: Database
    merge_on_touch: MergeOnTouch = field(init=False)

    def __post_init__(self) -> None:
        """Fold in the same database."""
        object.__setattr__(self, "merge_on_touch", MergeOnTouch(self.database))


def _combined(parts: Iterable[MergeRun]) -> MergeRun:
    runs = list(parts)
    return MergeRun(
        transactions=sum(each.transactions for each in runs), longest=max((each.longest for each in runs), default=0)
    )


def _pending_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> Mapping[str, int]:
    """Of how many people those are that nobody has folded, without a lock."""
    return dict(_GROUPS.run(connection, _group_parameters(workspace_id, keys)))


def _lock_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> Sequence[str]:
    """Those that nobody has folded; whoever else comes to fold them waits, and finds them folded."""
    return [key for key, _ in _LOCK_GROUPS.run(connection, _group_parameters(workspace_id, keys))]


def _first_groups(groups: Mapping[str, int], *, most: int) -> Sequence[str]:
    """The keys of the first groups that have together at most so many people, or of the very first."""
    sums = accumulate(groups.values())
    return [key for place, (key, people) in enumerate(zip(groups, sums, strict=True)) if people <= most or place == 0]


def _mark_merged(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> None:
    _MARK_MERGED.run(connection, _group_parameters(workspace_id, keys))


def _group_parameters(workspace_id: int, keys: Sequence[str]) -> dict[str, object]:
    return {"of_workspace": workspace_id, "keys": encode_json(keys)}


_IS_PENDING = sa.and_(workspace_any_of(shared_email.c.email_key, "keys"), IS_PENDING_MERGE)
_IN_ORDER = (
    sa.select(shared_email.c.email_key, shared_email.c.people).where(_IS_PENDING).order_by(shared_email.c.email_key)
)
_GROUPS = CompiledStatement(lambda _: _IN_ORDER)
_LOCK_GROUPS = CompiledStatement(lambda _: _IN_ORDER.with_for_update())
_MARK_MERGED = CompiledStatement(lambda _: sa.update(shared_email).where(_IS_PENDING).values(merged=sa.true()))


def _lock_changed_rows(connection: sa.Connection, workspace_id: int, changes: ChangeSet) -> None:
    """Lock the ids and people that go or change, in the order of all who do, or we and callers wait for each other.

    That order is `loader`'s. The groups are locked already: whoever touches somebody else of them waits for that, and
    so nobody's rows can have changed since they were read.
    """
    if connection.dialect.name == "sqlite":
        return
    ids = [each.key for each in changes.identifiers_removed]
    cio_ids = [each.cio_id for each in (*changes.removed, *(each.before for each in changes.replaced))]
    _LOCK.run(connection, {"of_workspace": workspace_id, "ids": encode_json(ids), "cio_ids": encode_json(cio_ids)})


def _locking(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - only PostgreSQL is asked
    def locked(column: sa.Column[Any], values: str, *which: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return sa.select(column).where(workspace_any_of(column, values), *which).order_by(column).with_for_update()

    ids = locked(identifier.c.value_key, "ids", identifier.c.kind == sa.literal_column(str(KIND_ID))).cte("ids")
    runs = locked(person.c.cio_id, "cio_ids").cte("people")
    counted = (sa.select(sa.func.count()).select_from(each).scalar_subquery() for each in (ids, runs))
    return sa.select(*counted)


_LOCK = CompiledStatement(_locking)
