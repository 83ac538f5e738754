"""The journal of merges in the database, and taking one back.

An undo is rare, and touches people, identifiers and belongings of two people and perhaps of those whom they absorbed:
it closes the fence instead of locking each of them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from workspace_operator.application.ports import Merge, Undone
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.keys import Keys
from workspace_operator.identity.rules import EMAIL, ID
from workspace_operator.identity.trail import DeviceRemoved, DeviceSet, Membership, Step
from workspace_operator.identity.undoing import undo
from workspace_operator.store.belonging_rows import devices_of
from workspace_operator.store.cio_ids import CioIDs
from workspace_operator.store.dialects import among
from workspace_operator.store.fences import close_fence, standing_of
from workspace_operator.store.folding import FoldingStore
from workspace_operator.store.journals import Taken, merge_of, taken_by
from workspace_operator.store.loading import look
from workspace_operator.store.rows import Row
from workspace_operator.store.tables import activity, merge
from workspace_operator.store.tracking import track
from workspace_operator.store.trails import write_trail
from workspace_operator.store.unfolded import has_unfolded, members_of, refuse_unfolded_people
from workspace_operator.store.violating import note_mending
from workspace_operator.store.writing import write_people


@dataclass(frozen=True, slots=True)
class SQLMerges(FoldingStore):
    """Implements the port ``Merges``."""

    new_id: Callable[[], str] = field(default_factory=CioIDs)

    def merges(
        self, workspace_id: int, *, cio_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[Merge]:
        """List merges, newest first; of one person on either side, whose group is folded before."""
        query = sa.select(merge).where(merge.c.workspace_id == workspace_id)
        if cio_id is not None:
            query = query.where(merge.c.merge_id.in_(_of_person(workspace_id, cio_id)))
        if before is not None:
            query = query.where(merge.c.merge_id < before)

        def find() -> Sequence[Merge]:
            with self.database.reading_one_snapshot() as connection:
                if cio_id is not None and has_unfolded(connection, workspace_id):
                    refuse_unfolded_people(connection, workspace_id, [cio_id])
                rows = connection.execute(query.order_by(merge.c.merge_id.desc()).limit(limit))
                return _as_seen(connection, workspace_id, [merge_of(row) for row in rows])

        return self.folder.folding(workspace_id, find)

    def get(self, workspace_id: int, merge_id: str) -> Merge:
        """Find a merge. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            [found] = _as_seen(connection, workspace_id, [merge_of(_row(connection, workspace_id, merge_id))])
            return found

    def undo(self, workspace_id: int, merge_id: str, *, now: int) -> Undone:
        """Bring the secondary back. Raises NotFound; Conflict if it is undone, or a later one is first."""

        def undo() -> Undone:
            return self.database.writing(lambda connection: self._undo(connection, workspace_id, merge_id, now))

        return self.folder.folding(workspace_id, undo)

    def _undo(self, connection: sa.Connection, workspace_id: int, merge_id: str, now: int) -> Undone:
        close_fence(connection, workspace_id)
        standing = standing_of(connection, workspace_id)
        row = _row(connection, workspace_id, merge_id)
        _refuse_what_is_past(connection, row)
        journalled, undone_at = merge_of(row), datetime.fromtimestamp(now, UTC)
        people = look(connection, standing, _keys_of(journalled))
        parted = undo(people, journalled.step, now=now)
        changes = people.changes()
        write_people(connection, workspace_id, changes, {})
        if standing.row.tracks_changes:
            track(connection, workspace_id, changes, new_id=self.new_id)
        note_mending(connection, standing.row, [parted.survivor.cio_id], freed=False, now=undone_at)
        belongings = _belongings(connection, journalled, taken_by(row))
        _return_history(connection, journalled)
        write_trail(connection, workspace_id, [*belongings, *changes.trail], new_id=self.new_id)
        ended = sa.update(merge).where(merge.c.workspace_id == workspace_id, merge.c.merge_id == merge_id)
        connection.execute(ended.values(holder=None, undone_at=undone_at))
        return Undone(
            merge=replace(journalled, undone_at=undone_at),
            restored=parted.restored,
            survivor=parted.survivor,
            not_free=parted.not_free,
        )


def _as_seen(connection: sa.Connection, workspace_id: int, merges: Sequence[Merge]) -> Sequence[Merge]:
    """Held by survivors, whether or not those whom they consist of are folded."""
    if not has_unfolded(connection, workspace_id):
        return merges
    standing = {each.holder for each in merges if each.undone_at is None}
    survivors = {cio_id: each.cio_id for cio_id, each in members_of(connection, workspace_id, standing).items()}
    return [
        replace(each, holder=survivors[each.holder]) if each.undone_at is None and each.holder in survivors else each
        for each in merges
    ]


def _of_person(workspace_id: int, cio_id: str) -> sa.CompoundSelect[str]:
    """By two indexes, which one condition with "or" would not use on SQLite."""
    sides = (merge.c.primary_cio_id, merge.c.secondary_cio_id)
    return sa.union(
        *(sa.select(merge.c.merge_id).where(merge.c.workspace_id == workspace_id, side == cio_id) for side in sides)
    )


def _row(connection: sa.Connection, workspace_id: int, merge_id: str) -> Row:
    query = sa.select(merge).where(merge.c.workspace_id == workspace_id, merge.c.merge_id == merge_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no merge {merge_id}: `workspacectl merges list` lists them")
    return row


def _refuse_what_is_past(connection: sa.Connection, row: Row) -> None:
    if row.undone_at is not None:
        raise Conflict(f"merge {row.merge_id} is undone already, since {row.undone_at.isoformat(timespec='seconds')}")
    if row.holder == row.primary_cio_id:
        return
    later = sa.select(merge.c.merge_id).where(
        merge.c.workspace_id == row.workspace_id,
        merge.c.secondary_cio_id == row.primary_cio_id,
        merge.c.undone_at.is_(None),
    )
    raise Conflict(
        f"the survivor of merge {row.merge_id} became part of {row.holder} since: "
        f"undo merge {connection.execute(later).scalar_one()} first"
    )


def _keys_of(journalled: Merge) -> Keys:
    """The survivor, and the secondary's identifiers with whoever has them."""
    secondary = journalled.secondary
    values = ((ID, secondary.id), (EMAIL, secondary.email_key))
    return Keys(
        identifiers=tuple((kind, key) for kind, key in values if key is not None),
        cio_ids=(journalled.primary.cio_id,),
    )


def _belongings(connection: sa.Connection, journalled: Merge, taken: Taken) -> Sequence[Step]:
    """Devices and segments: the secondary has what they had, the survivor only what was theirs or changed since."""
    survivor, restored = journalled.primary.cio_id, journalled.secondary.cio_id
    current = devices_of(connection, journalled.workspace_id, [survivor]).get(survivor, ())
    given = [each for each in taken.devices if each in current and each.token not in taken.doubled_tokens]
    left = [each for each in taken.segments if each not in taken.doubled_segments]
    return [
        *(DeviceRemoved(cio_id=survivor, token=each.token) for each in given),
        *(DeviceSet(cio_id=restored, device=each) for each in taken.devices),
        *(Membership(cio_id=survivor, segment=each, member=False) for each in left),
        *(Membership(cio_id=restored, segment=each, member=True) for each in taken.segments),
    ]


def _return_history(connection: sa.Connection, journalled: Merge) -> None:
    """What the secondary had done by then, also as those whom they had absorbed, is theirs again."""
    survivor, restored = journalled.primary.cio_id, journalled.secondary.cio_id
    held = sa.and_(merge.c.workspace_id == journalled.workspace_id, merge.c.holder == survivor)
    rows = connection.execute(sa.select(merge.c.primary_cio_id, merge.c.secondary_cio_id).where(held))
    theirs = _with_absorbed(restored, [(row.primary_cio_id, row.secondary_cio_id) for row in rows])
    connection.execute(sa.update(merge).where(held, among(merge.c.primary_cio_id, theirs)).values(holder=restored))
    moved = sa.and_(activity.c.workspace_id == journalled.workspace_id, activity.c.cio_id == survivor)
    connection.execute(sa.update(activity).where(moved, among(activity.c.origin, theirs)).values(cio_id=restored))


def _with_absorbed(cio_id: str, merges: Collection[tuple[str, str]]) -> Collection[str]:
    """A person, those whom they absorbed, those whom these had absorbed, and so on."""
    found = {cio_id}
    while more := {secondary for primary, secondary in merges if primary in found and secondary not in found}:
        found |= more
    return found
