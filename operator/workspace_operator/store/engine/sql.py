"""The few statements that the two databases need to be told differently, and a short way to the driver."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from workspace_operator.store.engine.error_translation import READ_ONLY

encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A document as the text that columns of JSON take; the encoder is made once, not once a row."""

COPY_THRESHOLD = 3
"""Up to here a plain INSERT each is faster than to begin a COPY."""


class _AnyOf(FunctionElement[bool]):
    """``column`` is one of the texts of a JSON array: one parameter, one prepared statement, however many values."""

    name = "among"
    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Stand as it is: SQLite would get ``(…) = 1``, for which it uses no index."""
        return self


@compiles(_AnyOf, "postgresql")
def _any_of_on_postgresql(element: _AnyOf, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    # The array is computed once, so that the index is probed once a value.
    return f"{column} = ANY(ARRAY(SELECT json_array_elements_text(CAST({values} AS JSON))))"


@compiles(_AnyOf, "sqlite")
def _any_of_on_sqlite(element: _AnyOf, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled clauses, values bound


def any_of(column: sa.ColumnElement[Any], values: Collection[str] | sa.BindParameter[str]) -> sa.ColumnElement[bool]:
    """Say that a text column has one of these values; a parameter holds them as a JSON array."""
    given = values if isinstance(values, sa.BindParameter) else sa.literal(json.dumps(list(values)), sa.Text())
    return _AnyOf(column, given)


def workspace_any_of(column: sa.Column[Any], values: str) -> sa.ColumnElement[bool]:
    """The same of a workspace's rows: a parameter of that name has the values, and ``of_workspace`` the workspace."""
    ours = column.table.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger)
    return sa.and_(ours, any_of(column, sa.bindparam(values, type_=sa.Text)))


def json_array_rows(parameter: sa.BindParameter[str], dialect: sa.Dialect) -> sa.Select[Any]:
    """The texts of a JSON array as rows of one column."""
    if dialect.name == "sqlite":
        return sa.select(sa.func.json_each(parameter).table_valued("value").c.value)
    return sa.select(sa.func.json_array_elements_text(sa.cast(parameter, sa.JSON)).column_valued())


def json_recordset(parameter: str, columns: Sequence[sa.ColumnClause[Any]]) -> sa.TableValuedAlias:
    """The rows of a JSON array of objects; not on SQLite."""
    array = sa.cast(sa.bindparam(parameter, type_=sa.Text), sa.JSON)
    rows = sa.func.json_to_recordset(array).table_valued(*columns)
    return rows.render_derived(name=f"new_{parameter}", with_types=True)


def in_subquery(
    column: sa.ColumnElement[Any], values: sa.Select[Any] | sa.CompoundSelect[Any], dialect: sa.Dialect
) -> sa.ColumnElement[bool]:
    """Say that a column has one of the values of a query: few, so that each is looked up in the index."""
    if dialect.name == "sqlite":
        return column.in_(values)
    # Left to itself, PostgreSQL expects hundreds and reads the whole table.
    array: sa.ColumnElement[Any] = sa.func.array(values.scalar_subquery(), type_=sa.ARRAY(sa.Text))
    return column == sa.any_(array)


def exists_per_row(query: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Say that a correlated query finds a row: it is looked up once for each row of the outer query.

    Of EXISTS PostgreSQL makes a join, or a table in memory of all that could be found, by how many rows it expects.
    """
    return sa.func.coalesce(query.with_only_columns(sa.true()).limit(1).scalar_subquery(), sa.false(), type_=sa.Boolean)


def decode_json(value: Any) -> Any:
    """JSON as the driver gives it: SQLite's knows only text."""
    return json.loads(value) if isinstance(value, str) else value


class CompiledStatement:
    """A statement that is compiled once a dialect, and then goes to the driver without SQLAlchemy's machinery.

    Values must be what the driver takes, JSON as text; and so rows come back: JSON is text on SQLite.
    For statements of the hot path: the machinery takes longer than PostgreSQL does.
    """

    def __init__(self, make: Callable[[sa.Dialect], sa.ClauseElement]) -> None:
        self._make = make
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Run it, and give all its rows."""
        text, order = self._text(connection)
        given = values if order is None else tuple(values[name] for name in order)
        with driver_cursor(connection, text) as cursor:
            cursor.execute(text, given)
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall() if cursor.description else ()
            return rows

    def _text(self, connection: sa.Connection) -> tuple[str, tuple[str, ...] | None]:
        name = connection.dialect.name
        if name not in self._compiled:
            compiled: Any = self._make(connection.dialect).compile(dialect=connection.dialect)
            self._compiled[name] = (str(compiled), tuple(compiled.positiontup) if compiled.positiontup else None)
        return self._compiled[name]


@contextmanager
def driver_cursor(connection: sa.Connection, statement: str) -> Iterator[Any]:
    """Give the driver's cursor, and turn its errors into those that everybody above knows: SQLAlchemy's."""
    driver: Any = connection.connection.dbapi_connection
    base: type[Exception] = connection.dialect.loaded_dbapi.Error
    cursor = driver.cursor()
    try:
        yield cursor
    except base as error:
        # A server that has become a standby is as good as lost: another one is the primary now.
        is_lost = (
            connection.dialect.is_disconnect(error, driver, cursor)  # type: ignore[arg-type]
            or getattr(error, "sqlstate", None) == READ_ONLY
        )
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, None, error, base, dialect=connection.dialect, connection_invalidated=is_lost
        ) from error
    finally:
        cursor.close()


def delete_any_of(
    connection: sa.Connection, workspace_id: int, column: sa.Column[Any], values: Collection[str], **equal: int
) -> None:
    """Delete a workspace's rows in which a column has one of these texts, and other columns these numbers."""
    given = {"of_workspace": workspace_id, "among": encode_json(list(values)), **equal}
    _delete_statement(column, tuple(equal)).run(connection, given)


@cache
def _delete_statement(column: sa.Column[Any], names: tuple[str, ...]) -> CompiledStatement:
    others = {name: column.table.c[name] for name in names}
    return CompiledStatement(
        lambda _: sa.delete(column.table).where(
            workspace_any_of(column, "among"),
            *(other == sa.bindparam(name, type_=other.type) for name, other in others.items()),
        )
    )


def delete_by_primary_key(connection: sa.Connection, table: sa.Table, keys: Collection[tuple[object, ...]]) -> None:
    """Delete rows by their primary keys; those that are not there are none the less gone.

    Each by itself: PostgreSQL would join many keys with the table by reading all of a workspace, or of every partition.
    """
    if not keys:
        return
    columns = list(table.primary_key)
    rows = [dict(zip([column.name for column in columns], key, strict=True)) for key in keys]
    connection.execute(sa.delete(table).where(*(column == sa.bindparam(column.name) for column in columns)), rows)


def insert_statement(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what happens to rows that are there already; both databases spell that alike."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows, each a tuple in the order of the table's columns, JSON as text.

    PostgreSQL takes them by COPY, 3.5 times as fast as INSERT from arrays or executemany; SQLite by executemany.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) > COPY_THRESHOLD:
        _copy(connection, table, rows)
        return
    place = "?" if connection.dialect.name == "sqlite" else "%s"
    statement = f"INSERT INTO {_table_with_columns(table)} VALUES ({', '.join([place] * len(table.columns))})"  # noqa: S608 - our own name
    with driver_cursor(connection, statement) as cursor:
        if connection.dialect.name == "sqlite":
            cursor.executemany(statement, rows)
            return
        for row in rows:
            cursor.execute(statement, row)


def _table_with_columns(table: sa.Table) -> str:
    """The table and its columns by name: a later revision's column stands last, wherever the metadata has it."""
    return f"{table.name} ({', '.join(table.columns.keys())})"


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    statement = f"COPY {_table_with_columns(table)} FROM STDIN"
    with driver_cursor(connection, statement) as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def lock_timeout_condition(seconds: float) -> sa.ColumnElement[bool]:
    """A condition, always true, that has the rest of its statement wait for locks no longer; not on SQLite.

    A statement that is a transaction of its own is told so without another message, and nothing stays behind.
    """
    milliseconds = int(seconds * 1000)
    return sa.literal_column(f"set_config('lock_timeout', '{milliseconds}ms', true) IS NOT NULL", sa.Boolean)


def force_custom_plan(connection: sa.Connection) -> None:
    """Have PostgreSQL plan each statement of this transaction for its values; SQLite remembers no plans.

    Rows that were written a minute ago are in no statistics, and a sort of all that follow a key looks cheap: reading
    them from a bitmap, which needs one, is ruled out, so that they are read in the order of the index, up to a limit.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_FORCE_CUSTOM_PLAN)


def disable_nested_loops(connection: sa.Connection) -> None:
    """Have PostgreSQL join by hashing or sorting, for the rest of this transaction, which is about a whole workspace.

    What it takes for one row may be a million; to go through all the others for each would not come to an end.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_DISABLE_NESTED_LOOPS)


_DISABLE_NESTED_LOOPS = sa.text("SELECT set_config('enable_nestloop', 'off', true)")
_FORCE_CUSTOM_PLAN = sa.text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_bitmapscan', 'off', true)"
)
