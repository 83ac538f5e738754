"""What follows from the end of attempts: states, archived content, blocked addresses, and what is forgotten."""

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.application.ports import BlockKind, EndedAttempt
from workspace_operator.sending.deliveries import FINAL_STATES, AttemptOutcome, DeliveryState, Metric
from workspace_operator.sending.outcomes import HandoverResult, History, follow_up
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    delete_any_of,
    encode_json,
    insert_statement,
    workspace_any_of,
)
from workspace_operator.store.queries.notices import write_refusal_notices
from workspace_operator.store.schema.sending_tables import (
    address_block,
    attachment,
    attempt,
    delivery,
    delivery_content,
)
from workspace_operator.store.schema.types import to_microseconds
from workspace_operator.store.sending.claims import DueRow, EarlierAttempts
from workspace_operator.store.sending.delivery_rows import METRIC_OF_STATE
from workspace_operator.store.sending.delivery_updates import END_ATTEMPTS, SETTLE_HANDED_OVER
from workspace_operator.store.sending.usage import count_sent

NO_OUTCOME: Final = "its sender ended before it wrote an outcome"
MAY_HAVE_BEEN_TAKEN: Final = "it was being handed over and may have been taken"

_COMPRESSION: Final = 1
"""Of archived content: a higher level takes three times as long for a tenth less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCounts:
    """What a transaction writes last about attempts that ended: rows that other transactions may want, too.

    Attributes:
        sent: how many were sent.
        refusals: the code of a server that refused a message or its sender, by transport.
    """

    sent: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "EndCounts") -> "EndCounts":
        """Add counts that were made later in the same transaction."""
        return EndCounts(sent=self.sent + other.sent, refusals={**self.refusals, **other.refusals})

    def write(self, connection: sa.Connection, workspace_id: int, *, now: datetime) -> None:
        """Write the counter and the notices of the workspace."""
        count_sent(connection, workspace_id, self.sent, now=now)
        write_refusal_notices(connection, workspace_id, self.refusals, now=now)


def end_attempts(
    connection: sa.Connection, workspace_id: int, attempts: Sequence[EndedAttempt], *, now: datetime
) -> EndCounts:
    """Record outcomes; an attempt that has ended changes nothing. One whose delivery is gone is deleted."""
    ordered = sorted(attempts, key=_delivery_id)
    rows = [_ended_row(ended, now) for ended in ordered]
    transports = dict(END_ATTEMPTS.run(connection, workspace_id, rows))
    known = transports.keys()
    settled_rows = [_settled_row(ended, now) for ended in ordered if ended.delivery_id in known]
    settled = {key for (key,) in SETTLE_HANDED_OVER.run(connection, workspace_id, settled_rows)}
    if unsettled := known - settled:
        gone = unsettled - _existing(connection, workspace_id, unsettled)
        delete_any_of(connection, workspace_id, attempt.c.delivery_id, gone)
    ended = [ended for ended in ordered if ended.delivery_id in settled]
    _archive(connection, workspace_id, ended)
    _block(connection, workspace_id, {key for attempt in ended for key in attempt.invalid_addresses}, now)
    finals = [attempt.delivery_id for attempt in ended if attempt.state in FINAL_STATES]
    forget_finals(connection, workspace_id, finals)
    return _counts([each for each in ordered if each.delivery_id in known], transports)


def _counts(ended: Sequence[EndedAttempt], transports: Mapping[str, str]) -> EndCounts:
    sent = sum(each.outcome is AttemptOutcome.SENT for each in ended)
    refused = [each for each in ended if each.outcome is AttemptOutcome.REFUSED]
    return EndCounts(sent=sent, refusals={transports[each.delivery_id]: each.code for each in refused if each.code})


def _existing(connection: sa.Connection, workspace_id: int, delivery_ids: Collection[str]) -> set[str]:
    values = {"of_workspace": workspace_id, "ids": encode_json(sorted(delivery_ids))}
    return {key for (key,) in _EXISTING.run(connection, values)}


def forget_finals(connection: sa.Connection, workspace_id: int, delivery_ids: Collection[str]) -> None:
    """Delete what deliveries keep until their final state: attachments, and content that is not to be kept."""
    if delivery_ids:
        delete_any_of(connection, workspace_id, attachment.c.delivery_id, delivery_ids)
        values = {"of_workspace": workspace_id, "ids": encode_json(sorted(delivery_ids))}
        unkept = [key for (key,) in _UNKEPT.run(connection, values)]
        if unkept:
            delete_any_of(connection, workspace_id, delivery_content.c.delivery_id, unkept)


def settled_row(
    delivery_id: str,
    state: DeliveryState,
    now: datetime,
    *,
    failure: str | None,
    gate: Mapping[str, object] | None = None,
    due_at: datetime | None = None,
    metric: Metric | None = None,
    tries: int = 0,
    unknowns: int = 0,
) -> dict[str, Any]:
    """A row of `SETTLE` and `SETTLE_HANDED_OVER`; ``metric`` is by default that of the state."""
    metric = metric or METRIC_OF_STATE.get(state)
    return {
        "delivery_id": delivery_id,
        "state": state.value,
        "due_at": None if due_at is None else to_microseconds(due_at),
        "failure": failure,
        "gate": gate,
        "tries": tries,
        "unknowns": unknowns,
        "metrics": {} if metric is None else {metric.value: to_microseconds(now)},
    }


def _ended_row(ended: EndedAttempt, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": ended.delivery_id,
        "number": ended.number,
        "ended_at": to_microseconds(now),
        "outcome": ended.outcome.value,
        "code": ended.code,
        "reply": ended.reply,
    }


def _settled_row(ended: EndedAttempt, now: datetime) -> dict[str, Any]:
    """The state after an attempt; one that is tried again and did not fail harmlessly counts as attempted."""
    is_retried = ended.state is DeliveryState.WAITING
    is_attempted = is_retried and ended.outcome in {AttemptOutcome.DEFERRED, AttemptOutcome.UNKNOWN}
    return settled_row(
        ended.delivery_id,
        ended.state,
        now,
        failure=ended.failure,
        due_at=ended.due_at if is_retried else None,
        metric=Metric.ATTEMPTED if is_attempted else None,
        tries=int(ended.counts_as_try),
        unknowns=int(ended.outcome is AttemptOutcome.UNKNOWN),
    )


def unknown_end(row: DueRow, earlier: EarlierAttempts, now: datetime) -> EndedAttempt:
    """The end of the last attempt of a delivery, of which its sender wrote none: it died, or lost the database."""
    result = HandoverResult(delivery_id=row.delivery_id, outcome=AttemptOutcome.UNKNOWN, reply=NO_OUTCOME)
    history = History(
        attempts=earlier.last - 1, tries=row.tries, unknowns=row.unknowns, first_tried_at=earlier.first_begun_at
    )
    following = follow_up(result, history, now=now, jitter=0)
    return EndedAttempt(
        delivery_id=row.delivery_id,
        number=earlier.last,
        outcome=result.outcome,
        code=None,
        reply=result.reply,
        state=following.state,
        failure=following.failure,
        due_at=following.due_at,
        counts_as_try=following.counts_as_try,
    )


def _archive(connection: sa.Connection, workspace_id: int, ended: Sequence[EndedAttempt]) -> None:
    """Keep rendered messages, compressed."""
    contents = {
        each.delivery_id: zlib.compress(encode_json(each.rendered).encode(), _COMPRESSION)
        for each in ended
        if each.rendered is not None
    }
    if connection.dialect.name == "sqlite":
        for delivery_id, content in contents.items():
            _ARCHIVE_ONE.run(connection, {"of_workspace": workspace_id, "id": delivery_id, "content": content})
    elif contents:
        ids, rendered = list(contents), list(contents.values())
        _ARCHIVE_MANY.run(connection, {"of_workspace": workspace_id, "ids": ids, "contents": rendered})


def _block(connection: sa.Connection, workspace_id: int, keys: Collection[str], now: datetime) -> None:
    """Block addresses that servers do not know; a block that exists keeps its time."""
    if keys:
        rows = [
            {
                "workspace_id": workspace_id,
                "kind": BlockKind.INVALID.value,
                "email_key": key,
                "since": now,
                "reason": "the server does not know the address",
            }
            for key in sorted(keys)
        ]
        connection.execute(insert_statement(connection, address_block).on_conflict_do_nothing(), rows)


def _delivery_id(value: EndedAttempt) -> str:
    return value.delivery_id


def _archive_one(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - only for SQLite
    return (
        sa.update(delivery_content)
        .where(
            delivery_content.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
            delivery_content.c.delivery_id == sa.bindparam("id", type_=sa.Text),
        )
        .values(rendered=sa.bindparam("content", type_=sa.LargeBinary))
    )


def _archive_many(dialect: sa.Dialect) -> sa.ClauseElement:  # noqa: ARG001 - only for PostgreSQL
    ids = sa.cast(sa.bindparam("ids"), sa.ARRAY(sa.Text))
    contents = sa.cast(sa.bindparam("contents"), sa.ARRAY(sa.LargeBinary))
    columns = (sa.column("delivery_id", sa.Text), sa.column("rendered", sa.LargeBinary))
    new = sa.func.unnest(ids, contents).table_valued(*columns).render_derived(name="new")
    return (
        sa.update(delivery_content)
        .where(
            delivery_content.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
            delivery_content.c.delivery_id == new.c.delivery_id,
            # A redundant condition, so that each is looked up in the index.
            delivery_content.c.delivery_id == sa.any_(ids),
        )
        .values(rendered=new.c.rendered)
    )


_ARCHIVE_ONE = CompiledStatement(_archive_one)
_ARCHIVE_MANY = CompiledStatement(_archive_many)
_EXISTING = CompiledStatement(
    lambda _: sa.select(delivery.c.delivery_id).where(workspace_any_of(delivery.c.delivery_id, "ids"))
)
_UNKEPT = CompiledStatement(
    lambda _: sa.select(delivery.c.delivery_id).where(
        workspace_any_of(delivery.c.delivery_id, "ids"), delivery.c.keep_content.is_(False)
    )
)
