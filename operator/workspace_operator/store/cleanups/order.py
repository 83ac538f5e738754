"""The order in which decisions are carried out, merges before the others, and the reverse order of an undo."""

import operator
from collections.abc import Collection, Sequence
from typing import NamedTuple, Self

import sqlalchemy as sa

from workspace_operator.cleanups.model import Outcome, StoredDecision
from workspace_operator.store.cleanups.rows import decision_of
from workspace_operator.store.engine.sql import any_of, decode_json, encode_json
from workspace_operator.store.schema.cleanup_tables import cleanup_decision
from workspace_operator.store.schema.mappers import Row

_SURVIVOR, _CIO_ID, _OUTCOME = (cleanup_decision.c[name] for name in ("survivor", "cio_id", "outcome"))

_NONE = ""
_OUTCOME_OF_MOST = sa.func.coalesce(_OUTCOME, _NONE)
"""The outcome, or `_NONE`, hidden from the index of outcomes.

With that index, most decisions would be read and sorted for each batch; that of survivors has the order.
"""


class Position(NamedTuple):
    """Where a worker is: behind a decision, in the first or second phase.

    Attributes:
        survivor: of the last decision; empty if it is no merge.
        cio_id: of the last decision; empty before the first one of a phase.
    """

    phase: int = 0
    survivor: str = ""
    cio_id: str = ""

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Read a position from a cursor; an empty one is the beginning."""
        return cls(*decode_json(cursor)) if cursor else cls()

    def text(self) -> str:
        """The position as a cursor."""
        return encode_json(list(self))


def decisions_to_apply(connection: sa.Connection, row: Row, *, size: int) -> tuple[Sequence[StoredDecision], Position]:
    """The next decisions to carry out, of one phase, and the position behind them; none if all are done."""
    position = Position.parse(row.cursor)
    return _next(connection, row, _OUTCOME_OF_MOST == _NONE, position, size=size, is_undo=False)


def decisions_to_undo(connection: sa.Connection, row: Row, *, size: int) -> tuple[Sequence[StoredDecision], Position]:
    """The next decisions to undo, in the reverse order."""
    condition = can_be_undone(None) if row.undoes_all else _OUTCOME.in_([Outcome.UNDO_REQUESTED.value])
    return _next(connection, row, condition, Position.parse(row.cursor), size=size, is_undo=True)


def first_decisions_to_undo(
    connection: sa.Connection, row: Row, cio_ids: Collection[str] | None, *, size: int
) -> Sequence[StoredDecision]:
    """The first decisions, about these people or all, that an undo of a cleanup that was applied would begin with."""
    found: list[StoredDecision] = []
    position = Position()
    while len(found) < size:
        condition = can_be_undone(cio_ids)
        more, position = _next(connection, row, condition, position, size=size - len(found), is_undo=True)
        if not more:
            break
        found += more
    return found


def can_be_undone(cio_ids: Collection[str] | None) -> sa.ColumnElement[bool]:
    """Condition that a decision, about one of these people or anybody, was carried out and is not undone."""
    outcome = _OUTCOME_OF_MOST.in_([Outcome.APPLIED.value, Outcome.NOT_UNDONE.value])
    return outcome if cio_ids is None else sa.and_(outcome, any_of(_CIO_ID, cio_ids))


def _next(
    connection: sa.Connection,
    row: Row,
    condition: sa.ColumnElement[bool],
    position: Position,
    *,
    size: int,
    is_undo: bool,
) -> tuple[Sequence[StoredDecision], Position]:
    of_cleanup = sa.and_(
        cleanup_decision.c.workspace_id == row.workspace_id, cleanup_decision.c.cleanup_number == row.number, condition
    )
    order = (_SURVIVOR.desc(), _CIO_ID.desc()) if is_undo else (_SURVIVOR, _CIO_ID)
    for start in (position, Position(phase=1)) if position.phase == 0 else (position,):
        rest = _rest_of_phase(start, is_undo=is_undo)
        query = sa.select(cleanup_decision).where(of_cleanup, *rest).order_by(*order).limit(size)
        found = [decision_of(each) for each in connection.execute(query)]
        if found:
            last = found[-1]
            return found, Position(start.phase, last.decision.survivor or "", last.cio_id)
    return (), position


def _rest_of_phase(position: Position, *, is_undo: bool) -> Sequence[sa.ColumnElement[bool]]:
    """What is behind a position in its phase, as one range of the index of survivors.

    No condition is about the cio_id alone: with one, PostgreSQL may read the decisions of all cleanups in its order.
    """
    is_of_merges = (position.phase == 0) is not is_undo
    in_phase = _SURVIVOR > "" if is_of_merges else _SURVIVOR <= ""
    if not position.cio_id:
        return [in_phase]
    place = sa.tuple_(sa.literal(position.survivor), sa.literal(position.cio_id))
    behind = (operator.lt if is_undo else operator.gt)(sa.tuple_(_SURVIVOR, _CIO_ID), place)
    # A range of SQLite has one lower limit: not the beginning of the phase, but the position.
    is_below = is_of_merges and not is_undo
    return [behind, operator.ge(_SURVIVOR, position.survivor) if is_below else in_phase]
