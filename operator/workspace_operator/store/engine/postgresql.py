"""PostgreSQL: how connections are made and transactions begun, so that a pooler in transaction mode may stand between.

Such a pooler gives each transaction any server connection, which other programs use in between. So nothing is ever set
for a session: what a transaction needs is said in the very message that begins it, which costs no round trip, and ends
with it. Statements are prepared in the server only where no pooler answers in its place.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.store.engine.error_translation import hide_interruptions
from workspace_operator.store.engine.sql import driver_cursor
from workspace_operator.store.engine.urls import DatabaseURL, PrepareMode

IDLE_TX_TIMEOUT: Final = "10min"
"""After this PostgreSQL ends a session that stopped inside a transaction, with the locks that it holds."""

STATEMENT_TIMEOUT: Final = "1h"
"""How long a statement may take, whatever the database's owner has set: the longest read all people of a workspace."""

CLIENT_CHECK_INTERVAL: Final = "2s"
"""How often PostgreSQL checks that a client still waits. The statement of one that was killed ends, with its locks."""

_OPTIONAL_SETTINGS: Final[Mapping[str, str]] = {
    "client_connection_check_interval": CLIENT_CHECK_INTERVAL,
    "transaction_timeout": "0",
}
"""Settings that not every version and platform takes."""

_PREPARE_THRESHOLD: Final = 3

_CONNECT_DEFAULTS: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "workspace-operator",
    # A server whose machine is gone never says so: without these a thread would wait for it for hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Unless the URL says otherwise."""


def postgresql_engine(
    target: DatabaseURL, *, lock_seconds: float, read_only: bool, transactional: bool = True, **options: Any
) -> sa.Engine:
    """An engine whose transactions set their own limits; an execution option ``one_snapshot`` has them see one moment.

    Args:
        target: the database.
        lock_seconds: how long a statement of a transaction waits for a lock.
        read_only: have the server refuse every write.
        transactional: False for single statements, each a transaction of its own.
        options: of the connection pool.
    """
    # Transactions are begun here, not by the driver, whose BEGIN would be a message of its own.
    arguments = {**_CONNECT_DEFAULTS, **target.options, "autocommit": True, "prepare_threshold": None}
    # hide_parameters: they hold what people said; errors are logged.
    engine = sa.create_engine("postgresql+psycopg://", connect_args=arguments, hide_parameters=True, **options)
    logging.getLogger("sqlalchemy.pool.impl.QueuePool").addFilter(hide_interruptions)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        if target.prepare is PrepareMode.ON or (target.prepare is PrepareMode.AUTO and not _is_pooled(connection)):
            connection.prepare_threshold = _PREPARE_THRESHOLD
        limits = _transaction_settings(lock_seconds) + (_supported_settings(connection) if transactional else "")
        record.info["limits"] = limits

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if not transactional:
            return
        isolation = " ISOLATION LEVEL REPEATABLE READ" if connection.get_execution_options().get("one_snapshot") else ""
        access = " READ ONLY" if read_only else ""
        statement = f"BEGIN{isolation}{access}; {connection.info['limits']}"
        with driver_cursor(connection, statement) as cursor:
            cursor.execute(statement, prepare=False)

    return engine


def _is_pooled(connection: Any) -> bool:
    """Whether a pooler answers in the server's place: then it has made up the process number of the connection."""
    [pid] = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return bool(pid != connection.info.backend_pid)


def _transaction_settings(lock_seconds: float) -> str:
    settings = {"lock_timeout": f"{int(lock_seconds * 1000)}ms", "statement_timeout": STATEMENT_TIMEOUT}
    return _IDLE_LIMIT + _set_locally(settings)


def _supported_settings(connection: Any) -> str:
    """Statements for the settings of `_OPTIONAL_SETTINGS` that this server takes."""
    import psycopg  # noqa: PLC0415 - 10 MB that a process on SQLite does not need

    known = ""
    for name, value in _OPTIONAL_SETTINGS.items():
        statement = _set_locally({name: value})
        try:
            connection.execute(f"BEGIN; {_IDLE_LIMIT}{statement}ROLLBACK", prepare=False)
        except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
            # An older version, or a platform without it.
            connection.rollback()
        else:
            known += statement
    return known


def _set_locally(settings: Mapping[str, str]) -> str:
    return "".join(f"SET LOCAL {name} = '{value}'; " for name, value in settings.items())


_IDLE_LIMIT: Final = _set_locally({"idle_in_transaction_session_timeout": IDLE_TX_TIMEOUT})
