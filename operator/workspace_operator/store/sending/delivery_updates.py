"""Updates of many deliveries and attempts: one statement on PostgreSQL, one per row on SQLite, where it costs less."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.store.engine.sql import CompiledStatement, any_of, encode_json, json_recordset
from workspace_operator.store.schema.sending_tables import attempt, delivery

NewValues = Mapping[str, sa.ColumnElement[Any]]
"""The new values of a row by name, as expressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchUpdate:
    """An update of rows with values of their own, by their ``delivery_id``."""

    _for_sqlite: CompiledStatement
    _for_postgresql: CompiledStatement

    def run(
        self, connection: sa.Connection, workspace_id: int, rows: Sequence[Mapping[str, Any]]
    ) -> Sequence[tuple[Any, ...]]:
        """Update rows, and return what the statement returns.

        Values have the types of the driver; JSON is a document, not a text.
        """
        if not rows:
            return ()
        if connection.dialect.name == "sqlite":
            parameters = ({"of_workspace": workspace_id, **_parameters(row)} for row in rows)
            return [returned for values in parameters for returned in self._for_sqlite.run(connection, values)]
        ids = encode_json([row["delivery_id"] for row in rows])
        values = {"of_workspace": workspace_id, "rows": encode_json(list(rows)), "ids": ids}
        return self._for_postgresql.run(connection, values)


def _parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": encode_json(value) if isinstance(value, dict) else value for name, value in row.items()}


def _batch_update(
    table: sa.Table,
    columns: Mapping[str, sa.types.TypeEngine[Any]],
    values: Callable[[NewValues, sa.Dialect], Mapping[str, Any]],
    *conditions: Callable[[NewValues], sa.ColumnElement[bool]],
    returning: Sequence[sa.Column[Any]] = (),
) -> BatchUpdate:
    def update(new: NewValues, dialect: sa.Dialect) -> sa.ClauseElement:
        statement = (
            sa.update(table)
            .where(
                table.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
                table.c.delivery_id == new["delivery_id"],
                *(condition(new) for condition in conditions),
            )
            .values(values(new, dialect))
        )
        return statement.returning(*returning) if returning else statement

    def for_sqlite(dialect: sa.Dialect) -> sa.ClauseElement:
        return update({name: sa.bindparam(f"new_{name}", type_=kind) for name, kind in columns.items()}, dialect)

    def for_postgresql(dialect: sa.Dialect) -> sa.ClauseElement:
        new = json_recordset("rows", [sa.column(name, kind) for name, kind in columns.items()])
        statement: Any = update({name: new.c[name] for name in columns}, dialect)
        # A redundant condition, so that each is looked up in the index: otherwise PostgreSQL reads the whole table.
        return statement.where(any_of(table.c.delivery_id, sa.bindparam("ids", type_=sa.Text)))  # type: ignore[no-any-return]

    return BatchUpdate(_for_sqlite=CompiledStatement(for_sqlite), _for_postgresql=CompiledStatement(for_postgresql))


def _merged_metrics(new: NewValues, dialect: sa.Dialect) -> sa.ColumnElement[Any]:
    """The metrics with new ones; one that exists keeps its time."""
    if dialect.name == "sqlite":
        return sa.func.json_patch(new["metrics"], delivery.c.metrics)
    merged = sa.cast(new["metrics"], JSONB).op("||")(sa.cast(delivery.c.metrics, JSONB))
    return sa.cast(merged, sa.JSON)


def _document(dialect_type: Any = sa.JSON) -> sa.types.TypeEngine[Any]:
    """JSON that goes to the driver as text."""
    return sa.Text().with_variant(dialect_type(), "postgresql")


_TEXT, _NUMBER, _SMALL = sa.Text(), sa.BigInteger(), sa.SmallInteger()
_JSON = _document()

END_ATTEMPTS = _batch_update(
    attempt,
    {"delivery_id": _TEXT, "number": _SMALL, "ended_at": _NUMBER, "outcome": _TEXT, "code": _SMALL, "reply": _TEXT},
    lambda new, _: {name: new[name] for name in ("ended_at", "outcome", "code", "reply")},
    lambda new: attempt.c.number == new["number"],
    lambda _: attempt.c.ended_at.is_(None),
    returning=(attempt.c.delivery_id, attempt.c.transport),
)
"""End attempts that have not ended yet; the result has their deliveries and transports."""

BEGIN_HANDOVER = _batch_update(
    delivery,
    {"delivery_id": _TEXT, "due_at": _NUMBER, "gate": _JSON, "subject": _TEXT},
    lambda new, _: {
        "state": sa.literal_column(f"'{DeliveryState.HANDING_OVER}'"),
        "due_at": new["due_at"],
        "gate": new["gate"],
        "subject": sa.func.coalesce(new["subject"], delivery.c.subject),
    },
)
"""Have deliveries be handed over."""

_SETTLED_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "delivery_id": _TEXT,
    "state": _TEXT,
    "due_at": _NUMBER,
    "failure": _TEXT,
    "gate": _JSON,
    "tries": _SMALL,
    "unknowns": _SMALL,
    "metrics": _JSON,
}


def _settled_values(new: NewValues, dialect: sa.Dialect) -> Mapping[str, Any]:
    return {
        "state": new["state"],
        "due_at": new["due_at"],
        "failure": new["failure"],
        "gate": sa.func.coalesce(new["gate"], delivery.c.gate),
        "tries": delivery.c.tries + new["tries"],
        "unknowns": delivery.c.unknowns + new["unknowns"],
        "metrics": _merged_metrics(new, dialect),
    }


SETTLE = _batch_update(delivery, _SETTLED_COLUMNS, _settled_values, returning=(delivery.c.delivery_id,))
"""Write the state that follows from a decision; ``tries`` and ``unknowns`` are added.

The result has the deliveries that exist."""

SETTLE_HANDED_OVER = _batch_update(
    delivery,
    _SETTLED_COLUMNS,
    _settled_values,
    lambda _: delivery.c.state == sa.literal_column(f"'{DeliveryState.HANDING_OVER}'"),
    returning=(delivery.c.delivery_id,),
)
"""Write the state that follows an attempt: not for a delivery that was given up meanwhile, which stays so."""

POSTPONE = _batch_update(
    delivery,
    {"delivery_id": _TEXT, "due_at": _NUMBER},
    lambda new, _: {"due_at": new["due_at"]},
)
"""Have deliveries be due at another time."""
