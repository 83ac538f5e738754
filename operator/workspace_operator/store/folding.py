"""People who are one person since the switch of a change that merges, and whose rows are not put together yet.

From the switch on nobody must be able to tell: whatever touches one of them folds the group first, in a transaction of
its own (`Folder.folding`), and what looks at everybody sees survivors in their places (`unfolded`). A group cannot
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
from workspace_operator.identity.folding import fold
from workspace_operator.identity.population import Changes
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.dialects import Prepared, json_text, ours_among, plan_anew
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import pass_known_fence, standing_of
from workspace_operator.store.loading import Unfolded
from workspace_operator.store.rows import IS_UNFOLDED
from workspace_operator.store.tables import KIND_ID, identifier, person, shared_email
from workspace_operator.store.trails import write_trail
from workspace_operator.store.unfolded import groups_of, people_of, switched_at_of
from workspace_operator.store.writing import write_people

T = TypeVar("T")

GROUPS_AT_ONCE = 300
PEOPLE_AT_ONCE = 1000
"""Most groups a transaction, and most people, but for a group that is larger: all of them are locked until it ends."""

LANES = 2
"""So many transactions at a time, where there can be several."""

MOST_ROUNDS = 5
"""Groups that a call touches are all found at once; more rounds than two mean that something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """In how many transactions groups were folded, and how many seconds the longest of them kept its locks."""

    transactions: int
    longest: float


@dataclass(frozen=True, slots=True)
class Folder:
    """Folds groups of a database's workspaces."""

    database: Database
    _new_ids: dict[datetime, CioIDs] = field(default_factory=dict, init=False)

    def folding(self, workspace_id: int, work: Callable[[], T]) -> T:
        """Do some work, and again when groups that it touches are folded."""
        for _ in range(MOST_ROUNDS):
            try:
                return work()
            except Unfolded as found:
                self.fold(workspace_id, found.keys)
        raise Conflict(f"people of workspace number {workspace_id} do not come to rest; try again")

    def fold(self, workspace_id: int, keys: Iterable[str]) -> Folds:
        """Put groups together, by their e-mail keys; those that are folded already are left alone.

        Raises:
            NotFound: the workspace is gone.
        """
        ordered = sorted(keys)
        parts = [ordered[start : start + GROUPS_AT_ONCE] for start in range(0, len(ordered), GROUPS_AT_ONCE)]
        if self.database.is_sqlite or len(parts) < 2:
            return _all_of(self._fold_part(workspace_id, part) for part in parts)
        # While the database works for one we work on the other; more than two gain next to nothing.
        with ThreadPoolExecutor(LANES) as lanes:
            return _all_of(lanes.map(partial(self._fold_part, workspace_id), parts))

    def _fold_part(self, workspace_id: int, keys: Sequence[str]) -> Folds:
        transactions, longest = 0, 0.0
        while keys:
            done, seconds = self.database.writing_timed(partial(self._fold, workspace_id=workspace_id, keys=keys))
            transactions, longest = transactions + 1, max(longest, seconds)
            keys = () if done is None else keys[keys.index(done) + 1 :]
        return Folds(transactions=transactions, longest=longest)

    def _fold(self, connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> str | None:
        """Fold the first of these groups; up to which one, None is all."""
        plan_anew(connection)  # a plan from when the first were folded reads whole tables for each of the last
        standing = standing_of(connection, workspace_id)
        pass_known_fence(connection, standing)
        groups = _open_groups(connection, workspace_id, keys) if standing.row.folds else {}
        chosen = _first(groups, most=PEOPLE_AT_ONCE)
        done = None if len(chosen) == len(groups) else chosen[-1]
        some = _lock_groups(connection, workspace_id, chosen)
        if not some:
            return done
        switched_at = switched_at_of(connection, workspace_id)
        people = people_of(connection, workspace_id, some)
        changes = fold(groups_of(people), now=int(switched_at.timestamp()))
        _lock(connection, workspace_id, changes)
        write_people(connection, workspace_id, changes, {})
        write_trail(connection, workspace_id, changes.trail, new_id=self._new_id(switched_at))
        _end_groups(connection, workspace_id, some)
        return done

    def _new_id(self, switched_at: datetime) -> CioIDs:
        """Names of what happened at the switch: they sort between what was before and what came after."""
        return self._new_ids.setdefault(switched_at, CioIDs(switched_at.timestamp))


@dataclass(frozen=True, slots=True)
class FoldingStore:
    """A port's implementation on a database, in which groups are folded before they are touched."""

    database: Database
    folder: Folder = field(init=False)

    def __post_init__(self) -> None:
        """Fold in the same database."""
        object.__setattr__(self, "folder", Folder(self.database))


def _all_of(parts: Iterable[Folds]) -> Folds:
    them = list(parts)
    return Folds(
        transactions=sum(each.transactions for each in them), longest=max((each.longest for each in them), default=0)
    )


def _open_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> Mapping[str, int]:
    """Of how many people those are that nobody has folded, without a lock."""
    return dict(_GROUPS.run(connection, _of_groups(workspace_id, keys)))


def _lock_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> Sequence[str]:
    """Those that nobody has folded; whoever else comes to fold them waits, and finds them folded."""
    return [key for key, _ in _LOCK_GROUPS.run(connection, _of_groups(workspace_id, keys))]


def _first(groups: Mapping[str, int], *, most: int) -> Sequence[str]:
    """The keys of the first groups that have together at most so many people, or of the very first."""
    sums = accumulate(groups.values())
    return [key for place, (key, people) in enumerate(zip(groups, sums, strict=True)) if people <= most or place == 0]


def _end_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> None:
    _END_GROUPS.run(connection, _of_groups(workspace_id, keys))


def _of_groups(workspace_id: int, keys: Sequence[str]) -> dict[str, object]:
    return {"of_workspace": workspace_id, "keys": json_text(keys)}


_OPEN = sa.and_(ours_among(shared_email.c.email_key, "keys"), IS_UNFOLDED)
_IN_ORDER = sa.select(shared_email.c.email_key, shared_email.c.people).where(_OPEN).order_by(shared_email.c.email_key)
_GROUPS = Prepared(lambda _: _IN_ORDER)
_LOCK_GROUPS = Prepared(lambda _: _IN_ORDER.with_for_update())
_END_GROUPS = Prepared(lambda _: sa.update(shared_email).where(_OPEN).values(folded=sa.true()))


def _lock(connection: sa.Connection, workspace_id: int, changes: Changes) -> None:
    """Lock the ids and people that go or change, in the order of all who do, or we and callers wait for each other.

    That order is `loading`'s. The groups are locked already: whoever touches somebody else of them waits for that, and
    so nobody's rows can have changed since they were read.
    """
    if connection.dialect.name == "sqlite":
        return
    ids = [each.key for each in changes.identifiers_removed]
    cio_ids = [each.cio_id for each in (*changes.removed, *(each.before for each in changes.replaced))]
    _LOCK.run(connection, {"of_workspace": workspace_id, "ids": json_text(ids), "cio_ids": json_text(cio_ids)})


def _locking(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - only PostgreSQL is asked
    def locked(column: sa.Column[Any], values: str, *which: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return sa.select(column).where(ours_among(column, values), *which).order_by(column).with_for_update()

    ids = locked(identifier.c.value_key, "ids", identifier.c.kind == sa.literal_column(str(KIND_ID))).cte("ids")
    them = locked(person.c.cio_id, "cio_ids").cte("people")
    counted = (sa.select(sa.func.count()).select_from(each).scalar_subquery() for each in (ids, them))
    return sa.select(*counted)


_LOCK = Prepared(_locking)
