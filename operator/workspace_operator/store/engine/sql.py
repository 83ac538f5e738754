"""SQL that differs between the databases, and statements that bypass SQLAlchemy."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from workspace_operator.store.engine.citus import is_citus
from workspace_operator.store.engine.error_translation import READ_ONLY

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

# `json.JSONEncoder.encode` makes this object anew for each document, which doubles the time for a person's attributes.
_encode_parts: Callable[[object, int], Iterable[str]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    markers=None,
    default=json.JSONEncoder().default,
    encoder=json.encoder.encode_basestring,
    indent=None,
    key_separator=":",
    item_separator=",",
    sort_keys=False,
    skipkeys=False,
    allow_nan=True,
)


def encode_json(document: object) -> str:
    """Encode a document as the text of a JSON column: like `json.dumps`, without white space and ASCII escapes."""
    return "".join(_encode_parts(document, 0))


COPY_THRESHOLD = 3
"""Number of rows up to which an INSERT per row is faster than a COPY."""

MAX_PARAMETERS = 65_535
"""Limit of PostgreSQL's protocol for one statement."""


class _AnyOf(FunctionElement[bool]):
    """``column`` is one of the texts of a JSON array, which is one parameter."""

    name = "any_of"
    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Return this clause unchanged: SQLite would get ``(…) = 1``, for which it uses no index."""
        return self


@compiles(_AnyOf, "postgresql")
def _any_of_on_postgresql(element: _AnyOf, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    # The array is computed once, so that the index is probed once per value.
    return f"{column} = ANY(ARRAY(SELECT json_array_elements_text(CAST({values} AS JSON))))"


@compiles(_AnyOf, "sqlite")
def _any_of_on_sqlite(element: _AnyOf, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled clauses, values bound


def any_of(column: sa.ColumnElement[Any], values: Collection[str] | sa.BindParameter[str]) -> sa.ColumnElement[bool]:
    """Condition that a text column has one of the values; a parameter is a JSON array."""
    array = values if isinstance(values, sa.BindParameter) else sa.literal(json.dumps(list(values)), sa.Text())
    return _AnyOf(column, array)


def workspace_any_of(column: sa.Column[Any], values: str) -> sa.ColumnElement[bool]:
    """Condition `any_of` within one workspace.

    ``values`` names the parameter with the values; the parameter ``of_workspace`` is the workspace.
    """
    of_workspace = column.table.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger)
    return sa.and_(of_workspace, any_of(column, sa.bindparam(values, type_=sa.Text)))


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
    """Condition that a column has one of a query's few values, each looked up in the index."""
    if dialect.name == "sqlite":
        return column.in_(values)
    # For a plain IN, PostgreSQL expects hundreds of values and reads the whole table.
    array: sa.ColumnElement[Any] = sa.func.array(values.scalar_subquery(), type_=sa.ARRAY(sa.Text))
    return column == sa.any_(array)


def exists_per_row(query: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Condition that a correlated query finds a row, with one look-up per outer row.

    PostgreSQL turns EXISTS into a join, or hashes all possible results, depending on the number of rows it expects.
    """
    return sa.func.coalesce(query.with_only_columns(sa.true()).limit(1).scalar_subquery(), sa.false(), type_=sa.Boolean)


def decode_json(value: Any) -> Any:
    """Decode JSON as the driver returns it: SQLite's driver returns text."""
    return json.loads(value) if isinstance(value, str) else value


class CompiledStatement:
    """A statement that is compiled once per dialect and goes directly to the driver.

    Values must have the types of the driver, JSON as text; the same applies to rows: JSON is text on SQLite.
    Use it for statements of the hot path, where SQLAlchemy's machinery takes longer than PostgreSQL.
    """

    def __init__(self, make: Callable[[sa.Dialect], sa.ClauseElement]) -> None:
        self._make = make
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, Mapping[str, Any]]] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Run the statement, and return all its rows."""
        text, parameters = self.with_parameters(connection, values)
        with driver_cursor(connection, text) as cursor:
            cursor.execute(text, parameters)
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall() if cursor.description else ()
            return rows

    def with_parameters(self, connection: sa.Connection, values: Mapping[str, Any]) -> tuple[str, Any]:
        """The text as the driver gets it, and its parameters."""
        text, order, constants = self._text(connection)
        if constants:
            values = {**constants, **values}
        return text, values if order is None else tuple(values[name] for name in order)

    def run_many(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run the statement once for each mapping of values."""
        text, order, _ = self._text(connection)
        parameters = rows if order is None else [tuple(values[name] for name in order) for values in rows]
        with driver_cursor(connection, text) as cursor:
            cursor.executemany(text, parameters)

    def _text(self, connection: sa.Connection) -> tuple[str, tuple[str, ...] | None, Mapping[str, Any]]:
        """The text, the names of its parameters in their order if they have no names there, and constants such as 1."""
        name = connection.dialect.name
        if name not in self._compiled:
            compiled: Any = self._make(connection.dialect).compile(dialect=connection.dialect)
            order = tuple(compiled.positiontup) if compiled.positiontup else None
            constants = {key: value for key, value in compiled.params.items() if value is not None}
            self._compiled[name] = (str(compiled), order, constants)
        return self._compiled[name]


@contextmanager
def driver_cursor(connection: sa.Connection, statement: str) -> Iterator[Any]:
    """Open a cursor of the driver, and turn the driver's errors into SQLAlchemy's."""
    driver: Any = connection.connection.dbapi_connection
    dialect: Any = connection.dialect
    base: type[Exception] = dialect.loaded_dbapi.Error
    cursor = driver.cursor()
    try:
        yield cursor
    except base as error:
        # A server that has become a standby counts as lost: another one is the primary now.
        lost = dialect.is_disconnect(error, driver, cursor) or getattr(error, "sqlstate", None) == READ_ONLY
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(statement, None, error, base, dialect=dialect, connection_invalidated=lost) from error
    finally:
        cursor.close()


def delete_any_of(
    connection: sa.Connection, workspace_id: int, column: sa.Column[Any], values: Collection[str], **equal: int
) -> None:
    """Delete rows of a workspace by values of one column and ``equal`` numbers in others."""
    parameters = {"of_workspace": workspace_id, "any_of": encode_json(list(values)), **equal}
    _delete_statement(column, tuple(equal)).run(connection, parameters)


@cache
def _delete_statement(column: sa.Column[Any], names: tuple[str, ...]) -> CompiledStatement:
    others = {name: column.table.c[name] for name in names}
    return CompiledStatement(
        lambda _: sa.delete(column.table).where(
            workspace_any_of(column, "any_of"),
            *(other == sa.bindparam(name, type_=other.type) for name, other in others.items()),
        )
    )


def delete_by_primary_key(connection: sa.Connection, table: sa.Table, keys: Collection[tuple[object, ...]]) -> None:
    """Delete rows by their primary keys; missing rows are ignored.

    One statement per row: for many keys, PostgreSQL would read a whole workspace, or every partition, to join them.
    """
    if not keys:
        return
    columns = list(table.primary_key)
    rows = [dict(zip([column.name for column in columns], key, strict=True)) for key in keys]
    connection.execute(sa.delete(table).where(*(column == sa.bindparam(column.name) for column in columns)), rows)


def insert_statement(connection: sa.Connection, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT that supports ON CONFLICT, which both databases spell alike."""
    return insert_statement_of(connection.dialect, table)


def insert_statement_of(dialect: sa.Dialect, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """Like `insert_statement`, for a `CompiledStatement`."""
    return _insert_function(dialect.name)(table)


@cache
def _insert_function(dialect: str) -> "Callable[[sa.Table], postgresql.Insert | sqlite.Insert]":
    """The ``insert`` of a dialect; the other dialect is not imported."""
    function: Callable[[sa.Table], postgresql.Insert | sqlite.Insert]
    function = import_module(f"sqlalchemy.dialects.{dialect}").insert
    return function


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]], *, may_conflict: bool = False
) -> None:
    """Insert many rows, each a tuple in the order of the table's columns, JSON as text.

    Uses COPY on PostgreSQL, 3.5 times as fast as INSERT from arrays or executemany, and executemany on SQLite.
    ``may_conflict`` says that another transaction may insert the same keys at the same time.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) > COPY_THRESHOLD:
        # Citus reports every error of COPY as an internal one: lost races, deadlocks and lock timeouts alike.
        insert_many = _insert_values if may_conflict and is_citus(connection) else _copy
        insert_many(connection, table, rows)
        return
    place = "?" if connection.dialect.name == "sqlite" else "%s"
    statement = f"INSERT INTO {_table_with_columns(table)} VALUES {_places(table, place)}"  # noqa: S608 - our own name
    with driver_cursor(connection, statement) as cursor:
        if connection.dialect.name == "sqlite":
            cursor.executemany(statement, rows)
            return
        for row in rows:
            cursor.execute(statement, row)


def _table_with_columns(table: sa.Table) -> str:
    """The table and its columns by name, since a later revision adds its column last."""
    return f"{table.name} ({', '.join(table.columns.keys())})"


def _places(table: sa.Table, place: str) -> str:
    return f"({', '.join([place] * len(table.columns))})"


def _insert_values(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows by statements of many rows each; slower than COPY."""
    size = MAX_PARAMETERS // len(table.columns)
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        places = ", ".join([_places(table, "%s")] * len(batch))
        statement = f"INSERT INTO {_table_with_columns(table)} VALUES {places}"  # noqa: S608 - our own name
        with driver_cursor(connection, statement) as cursor:
            # Not prepared: there is one text for each number of rows.
            cursor.execute(statement, [value for row in batch for value in row], prepare=False)


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    statement = f"COPY {_table_with_columns(table)} FROM STDIN"
    with driver_cursor(connection, statement) as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def lock_timeout_condition(seconds: float) -> sa.ColumnElement[bool]:
    """A condition that is always true and sets its statement's lock timeout; not for SQLite.

    It sets the limit of a single-statement transaction without another message, and only for that transaction.
    """
    milliseconds = int(seconds * 1000)
    return sa.literal_column(f"set_config('lock_timeout', '{milliseconds}ms', true) IS NOT NULL", sa.Boolean)


def force_custom_plan(connection: sa.Connection) -> None:
    """Have PostgreSQL plan each statement of this transaction for its values.

    Statistics do not cover rows that were written a minute ago, so a sort of all rows after a key looks cheap.
    Bitmap scans, which need that sort, are disabled: rows are read in the order of the index, up to a limit.
    """
    if connection.dialect.name == "postgresql":
        set_local(connection, {"plan_cache_mode": "force_custom_plan", "enable_bitmapscan": "off"})


def disable_nested_loops(connection: sa.Connection) -> None:
    """Have PostgreSQL join by hash or merge, for a transaction that reads a whole workspace.

    PostgreSQL may expect one row where there are a million; a nested loop over them would not finish.
    """
    if connection.dialect.name == "postgresql":
        set_local(connection, {"enable_nestloop": "off"})


def set_local(connection: sa.Connection, settings: Mapping[str, str]) -> None:
    """Set settings of PostgreSQL for this transaction; on Citus, they hold on the machines of the shards, too."""
    statement = local_settings(settings)
    with driver_cursor(connection, statement) as cursor:
        cursor.execute(statement, prepare=False)  # several commands, which cannot be prepared


def local_settings(settings: Mapping[str, str]) -> str:
    """The commands that set settings for one transaction."""
    return "".join(f"SET LOCAL {name} = '{value}'; " for name, value in settings.items())
