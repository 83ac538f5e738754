"""PostgreSQL connections and transactions, compatible with a pooler in transaction mode.

Such a pooler assigns each transaction any server connection, which other programs use in between. So nothing is set
per session: the message that begins a transaction also sets its limits, which costs no extra round trip, and the limits
end with the transaction. Statements are prepared in the server only if there is no pooler.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.store.engine.citus import CONNECTION_KEY, HAS_CITUS, PROPAGATE_LIMITS
from workspace_operator.store.engine.error_translation import hide_interruptions
from workspace_operator.store.engine.sql import driver_cursor, local_settings
from workspace_operator.store.engine.urls import DatabaseURL, PrepareMode

IDLE_TX_TIMEOUT: Final = "10min"
"""Time after which PostgreSQL ends a session that is idle in a transaction, and releases its locks."""

STATEMENT_TIMEOUT: Final = "1h"
"""Limit of a statement, which overrides the database's setting: the longest statements read a whole workspace."""

CLIENT_CHECK_INTERVAL: Final = "2s"
"""Interval at which PostgreSQL checks that the client is connected; it cancels the statement of a killed client."""

_OPTIONAL_SETTINGS: Final[Mapping[str, str]] = {
    "client_connection_check_interval": CLIENT_CHECK_INTERVAL,
    "transaction_timeout": "0",
}
"""Settings that some versions and platforms do not support."""

_PREPARE_THRESHOLD: Final = 3

_CONNECT_DEFAULTS: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "workspace-operator",
    # A server whose machine is down sends nothing: without keepalives a thread would wait for hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Connection options that the URL can override."""


def postgresql_engine(
    target: DatabaseURL, *, lock_seconds: float, read_only: bool, transactional: bool = True, **options: Any
) -> sa.Engine:
    """Make an engine whose transactions set their own limits.

    The execution option ``one_snapshot`` makes a transaction REPEATABLE READ, and ``statement_seconds`` limits each of
    its statements. A statement waits ``lock_seconds`` for a lock. ``read_only`` has the server refuse every write.
    Unless ``transactional``, each statement is a transaction. ``options`` are those of the connection pool.
    """
    # The event below begins transactions, since the driver would send BEGIN as a separate message.
    arguments = {**_CONNECT_DEFAULTS, **target.options, "autocommit": True, "prepare_threshold": None}
    # hide_parameters: errors are logged, and parameters contain personal data.
    engine = sa.create_engine("postgresql+psycopg://", connect_args=arguments, hide_parameters=True, **options)
    logging.getLogger("sqlalchemy.pool.impl.QueuePool").addFilter(hide_interruptions)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        backend_pid, has_citus = connection.execute(_SERVER_FACTS, prepare=False).fetchone()
        # A pooler reports a made-up process ID.
        is_pooled = backend_pid != connection.info.backend_pid
        if target.prepare is PrepareMode.ON or (target.prepare is PrepareMode.AUTO and not is_pooled):
            connection.prepare_threshold = _PREPARE_THRESHOLD
        record.info[CONNECTION_KEY] = has_citus
        if transactional:
            limits = _transaction_settings(lock_seconds) + _supported_settings(connection)
            record.info["limits"] = (PROPAGATE_LIMITS if has_citus else "") + limits

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if not transactional:
            return
        options = connection.get_execution_options()
        isolation = " ISOLATION LEVEL REPEATABLE READ" if options.get("one_snapshot") else ""
        access = " READ ONLY" if read_only else ""
        statement = f"BEGIN{isolation}{access}; {connection.info['limits']}{_statement_limit(options)}"
        with driver_cursor(connection, statement) as cursor:
            cursor.execute(statement, prepare=False)

    return engine


def _transaction_settings(lock_seconds: float) -> str:
    settings = {"lock_timeout": f"{int(lock_seconds * 1000)}ms", "statement_timeout": STATEMENT_TIMEOUT}
    return _IDLE_LIMIT + local_settings(settings)


def _statement_limit(options: Mapping[str, Any]) -> str:
    seconds = options.get("statement_seconds")
    return "" if seconds is None else local_settings({"statement_timeout": f"{int(seconds * 1000)}ms"})


def _supported_settings(connection: Any) -> str:
    """Statements for those `_OPTIONAL_SETTINGS` that this server supports."""
    import psycopg  # noqa: PLC0415 - 10 MB that a process on SQLite does not need

    supported = ""
    for name, value in _OPTIONAL_SETTINGS.items():
        statement = local_settings({name: value})
        try:
            connection.execute(f"BEGIN; {_IDLE_LIMIT}{statement}ROLLBACK", prepare=False)
        except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
            # An older version, or a platform without this setting.
            connection.rollback()
        else:
            supported += statement
    return supported


_IDLE_LIMIT: Final = local_settings({"idle_in_transaction_session_timeout": IDLE_TX_TIMEOUT})
_SERVER_FACTS: Final = f"SELECT pg_backend_pid(), {HAS_CITUS}"
