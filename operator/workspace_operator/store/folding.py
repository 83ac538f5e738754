"""People who are one person since the switch of a change that merges, and whose rows are not put together yet.

From the switch on nobody must be able to tell: whatever touches one of them folds the group first, in a transaction of
its own (`Folder.folding`), and what looks at everybody sees survivors in their places (`survivors`). A group cannot
change otherwise: its people had these rows when the fence was opened again, and nobody writes them unfolded.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TypeVar

import sqlalchemy as sa

from workspace_operator.errors import Conflict
from workspace_operator.identity.folding import fold, survivor_of
from workspace_operator.identity.keys import Keys
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import IdentifierKey
from workspace_operator.identity.rules import EMAIL, ID, ID_ONLY
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.dialects import among
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import standing_of
from workspace_operator.store.loading import PERSON_COLUMNS, Unfolded, load_people, person_of, unfolded
from workspace_operator.store.tables import migration, person, shared_email, workspace
from workspace_operator.store.trails import write_trail
from workspace_operator.store.writing import write_people

T = TypeVar("T")

GROUPS_AT_ONCE = 20
"""Groups a transaction: their people are locked until it ends."""

MOST_ROUNDS = 5
"""Groups that a call touches are all found at once; more rounds than two mean that something is wrong."""


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

    def fold(self, workspace_id: int, keys: Iterable[str]) -> None:
        """Put groups together, by their e-mail keys; those that are folded already are left alone."""
        for some in _in_parts(sorted(keys), GROUPS_AT_ONCE):
            self.database.writing(lambda connection, some=some: self._fold(connection, workspace_id, some))  # type: ignore[misc]

    def _fold(self, connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> None:
        standing = standing_of(connection, workspace_id)
        locked = _lock_groups(connection, workspace_id, keys) if standing.row.folds else []
        if not locked:
            return
        found = people_of(connection, workspace_id, locked)
        people = load_people(connection, standing, _keys_of(found))
        switched_at = _switched_at(connection, workspace_id)
        population = Population(mode=ID_ONLY, people=people)
        for group in _groups(people):
            fold(population, group, now=int(switched_at.timestamp()))
        changes = population.changes()
        write_people(connection, workspace_id, changes, {})
        write_trail(connection, workspace_id, changes.trail, new_id=self._new_id(switched_at))
        _end_groups(connection, workspace_id, locked)

    def _new_id(self, switched_at: datetime) -> CioIDs:
        """Names of what happened at the switch: they sort between what was before and what came after."""
        if switched_at not in self._new_ids:
            self._new_ids.clear()
            self._new_ids[switched_at] = CioIDs(switched_at.timestamp)
        return self._new_ids[switched_at]


def refuse_unfolded_keys(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> None:
    """Raise Unfolded if one of these addresses stands for a group of rows; only where groups are left to fold."""
    open_keys = sa.select(shared_email.c.email_key).where(_open_groups(workspace_id, keys))
    found = connection.execute(open_keys).scalars().all()
    if found:
        raise Unfolded(found)


def survivors(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> Mapping[str, Person]:
    """Who those of these people are who are part of somebody by now, by the cio_ids of all members of their groups."""
    keys = unfolded(connection, workspace_id, people)
    if not keys:
        return {}
    now = int(_switched_at(connection, workspace_id).timestamp())
    members: dict[str, Person] = {}
    for group in _groups(people_of(connection, workspace_id, keys)):
        members |= dict.fromkeys((each.cio_id for each in group), survivor_of(group, now=now))
    return members


def has_unfolded(connection: sa.Connection, workspace_id: int) -> bool:
    """Whether groups are left to fold, as far as anybody needs to look for them."""
    query = sa.select(workspace.c.folds).where(workspace.c.workspace_id == workspace_id)
    return bool(connection.execute(query).scalar_one_or_none())


def shown(connection: sa.Connection, workspace_id: int, people: Sequence[Person]) -> Iterator[Person]:
    """These people as everybody sees them: a survivor in the place of the oldest, nobody in those of the others."""
    members = survivors(connection, workspace_id, people)
    for each in people:
        seen = members.get(each.cio_id, each)
        if seen.cio_id == each.cio_id:
            yield seen


def people_of(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> Sequence[Person]:
    """Everybody with one of these addresses, without a lock, as their rows are."""
    ours = sa.and_(person.c.workspace_id == workspace_id, among(person.c.email_key, keys))
    return [person_of(row) for row in connection.execute(sa.select(*PERSON_COLUMNS).where(ours))]


def next_groups(connection: sa.Connection, workspace_id: int, *, after: str, size: int) -> Sequence[str]:
    """The addresses of groups that are to be folded, in the order of the key."""
    ours = sa.and_(
        shared_email.c.workspace_id == workspace_id,
        shared_email.c.email_key > after,
        shared_email.c.folded.is_(False),
        shared_email.c.people > 1,
    )
    query = sa.select(shared_email.c.email_key).where(ours).order_by(shared_email.c.email_key).limit(size)
    return connection.execute(query).scalars().all()


def _open_groups(workspace_id: int, keys: Collection[str]) -> sa.ColumnElement[bool]:
    return sa.and_(
        shared_email.c.workspace_id == workspace_id,
        among(shared_email.c.email_key, keys),
        shared_email.c.folded.is_(False),
        shared_email.c.people > 1,
    )


def _lock_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> Sequence[str]:
    """Those that nobody has folded; whoever else comes to fold them waits, and finds them folded."""
    query = sa.select(shared_email.c.email_key).where(_open_groups(workspace_id, keys))
    return connection.execute(query.order_by(shared_email.c.email_key).with_for_update()).scalars().all()


def _end_groups(connection: sa.Connection, workspace_id: int, keys: Sequence[str]) -> None:
    ended = sa.update(shared_email).where(_open_groups(workspace_id, keys)).values(folded=True)
    connection.execute(ended)


def _switched_at(connection: sa.Connection, workspace_id: int) -> datetime:
    query = sa.select(migration.c.switched_at).where(
        migration.c.workspace_id == workspace_id, migration.c.switched_at.is_not(None)
    )
    switched_at: datetime = connection.execute(query.order_by(migration.c.number.desc()).limit(1)).scalar_one()
    return switched_at


def _keys_of(people: Sequence[Person]) -> Keys:
    identifiers: set[IdentifierKey] = {(ID, each.id) for each in people if each.id is not None}
    identifiers |= {(EMAIL, each.email_key) for each in people if each.email_key is not None}
    return Keys(identifiers=tuple(sorted(identifiers)), cio_ids=tuple(sorted(each.cio_id for each in people)))


def _groups(people: Iterable[Person]) -> Iterator[list[Person]]:
    ordered = sorted(people, key=lambda each: each.email_key or "")
    for _, group in groupby(ordered, key=lambda each: each.email_key):
        yield list(group)


def _in_parts(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
