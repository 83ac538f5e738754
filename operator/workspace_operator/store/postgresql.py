"""PostgreSQL: how connections are made and transactions begun, so that a pooler in transaction mode may stand between.

Such a pooler gives each transaction any server connection, which other programs use in between. So nothing is ever set
for a session: what a transaction needs is said in the very message that begins it, which costs no round trip, and ends
with it. Statements are prepared in the server only where no pooler answers in its place.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.store.dialects import driver_cursor
from workspace_operator.store.failures import is_no_interruption
from workspace_operator.store.urls import Prepare, Target

FORGOTTEN_AFTER: Final = "10min"
"""After this PostgreSQL ends a session that stopped inside a transaction, with the locks that it holds."""

STATEMENT_LIMIT: Final = "1h"
"""How long a statement may take, whatever the database's owner has set: the longest read all people of a workspace."""

CLIENT_CHECK: Final = "2s"
"""How often PostgreSQL checks that a client still waits. The statement of one that was killed ends, with its locks."""

_IF_KNOWN: Final[Mapping[str, str]] = {"client_connection_check_interval": CLIENT_CHECK, "transaction_timeout": "0"}
"""Settings that not every version and platform takes."""

_PREPARE_THRESHOLD: Final = 3

_CONNECTING: Final[Mapping[str, Any]] = {
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
    target: Target, *, lock_seconds: float, read_only: bool, begins: bool = True, **options: Any
) -> sa.Engine:
    """An engine whose transactions set their own limits; an execution option ``one_snapshot`` has them see one moment.

    Args:
        target: the database.
        lock_seconds: how long a statement of a transaction waits for a lock.
        read_only: have the server refuse every write.
        begins: False for single statements, each a transaction of its own.
        options: of the connection pool.
    """
    # Transactions are begun here, not by the driver, whose BEGIN would be a message of its own.
    arguments = {**_CONNECTING, **target.options, "autocommit": True, "prepare_threshold": None}
    # hide_parameters: they hold what people said; errors are logged.
    engine = sa.create_engine("postgresql+psycopg://", connect_args=arguments, hide_parameters=True, **options)
    logging.getLogger("sqlalchemy.pool.impl.QueuePool").addFilter(is_no_interruption)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        if target.prepare is Prepare.ON or (target.prepare is Prepare.AUTO and not _is_pooled(connection)):
            connection.prepare_threshold = _PREPARE_THRESHOLD
        limits = _limits(lock_seconds) + (_known_limits(connection) if begins else "")
        record.info["limits"] = limits

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if not begins:
            return
        moment = " ISOLATION LEVEL REPEATABLE READ" if connection.get_execution_options().get("one_snapshot") else ""
        access = " READ ONLY" if read_only else ""
        statement = f"BEGIN{moment}{access}; {connection.info['limits']}"
        with driver_cursor(connection, statement) as cursor:
            cursor.execute(statement, prepare=False)

    return engine


def _is_pooled(connection: Any) -> bool:
    """Whether a pooler answers in the server's place: then it has made up the process number of the connection."""
    [pid] = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return bool(pid != connection.info.backend_pid)


def _limits(lock_seconds: float) -> str:
    settings = {"lock_timeout": f"{int(lock_seconds * 1000)}ms", "statement_timeout": STATEMENT_LIMIT}
    return _RESTING + _set_locally(settings)


def _known_limits(connection: Any) -> str:
    """Statements for the settings of `_IF_KNOWN` that this server takes."""
    import psycopg  # noqa: PLC0415 - 10 MB that a process on SQLite does not need

    known = ""
    for name, value in _IF_KNOWN.items():
        statement = _set_locally({name: value})
        try:
            connection.execute(f"BEGIN; {_RESTING}{statement}ROLLBACK", prepare=False)
        except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
            # An older version, or a platform without it.
            connection.rollback()
        else:
            known += statement
    return known


def _set_locally(settings: Mapping[str, str]) -> str:
    return "".join(f"SET LOCAL {name} = '{value}'; " for name, value in settings.items())


_RESTING: Final = _set_locally({"idle_in_transaction_session_timeout": FORGOTTEN_AFTER})
