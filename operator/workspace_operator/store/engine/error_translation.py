"""Translation of database errors into errors of this program.

Messages name the database, the setting or the fault, and what to do. They are for administrators, in logs and on the
command line. Responses of the API never contain them.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workspace_operator.errors import (
    CommitUnknown,
    Conflict,
    LockTimeout,
    StatementTimeout,
    StoreRefused,
    StoreUnavailable,
)

UNIQUE_VIOLATIONS: Final = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
SERIALIZATION_FAILURES: Final = UNIQUE_VIOLATIONS | {"40001", "40P01"}  # serialization failure, deadlock
LOCK_TIMEOUTS: Final = frozenset({"55P03", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED"})
READ_ONLY: Final = "25006"
QUERY_CANCELED: Final = "57014"
STATEMENT_TIMEOUTS: Final = frozenset({QUERY_CANCELED, "SQLITE_INTERRUPT"})

CONTENTION_MESSAGE: Final = "other transactions keep changing the same rows; try again"

_FATAL: Final = "FATAL: "

_NEEDS_FOLDER: Final = (
    "cannot be opened: its folder must exist and be writable, for the files -wal and -shm beside it ({detail})"
)

_REFUSALS: Final[Mapping[str, str]] = {
    READ_ONLY: "is read-only: is it a standby, or is default_transaction_read_only on? With several hosts in the URL, "
    "target_session_attrs=read-write finds the primary",
    QUERY_CANCELED: "cancelled a statement: its statement_timeout is too short, or an administrator cancelled it",
    "25P03": "ended a session that was idle in a transaction: its idle_in_transaction_session_timeout is too short",
    "25P04": "ended a transaction: its transaction_timeout is too short",
    "42P05": "mixes up prepared statements of several clients, like a pooler in transaction mode: add prepare=off to "
    "the options of the URL",
    "26000": "has lost a prepared statement, like a pooler in transaction mode: add prepare=off to the options of "
    "the URL",
    "42501": "denies its user a permission: {detail}",
    "53100": "has no disk space left: {detail}",
    "53200": "has no memory left: {detail}",
    "53300": "has no connection left: {detail}",
    "53400": "has reached a limit of its configuration: {detail}",
    "SQLITE_READONLY_CANTINIT": _NEEDS_FOLDER,
    "SQLITE_READONLY_DIRECTORY": _NEEDS_FOLDER,
    "SQLITE_READONLY_RECOVERY": _NEEDS_FOLDER,
    "SQLITE_FULL": "has no disk space left",
    "SQLITE_PERM": "cannot be written: {detail}",
    "SQLITE_NOTADB": "is not a SQLite database: {detail}",
    "SQLITE_AUTH": "refuses access: {detail}",
}
"""Message by SQLSTATE or SQLite's error name; ``{detail}`` is the first line of the driver's message."""

_REFUSALS_BY_CLASS: Final[Mapping[str, str]] = {
    "0A": "does not support a statement that this program sends ({state}): {detail}",
    "XX": "has an internal error ({state}), see its log: {detail}",
    "SQLITE_READONLY": "cannot be written: the file and its folder, where the log is, must be writable ({detail})",
    "SQLITE_CANTOPEN": _NEEDS_FOLDER,
    "SQLITE_CORRUPT": "is damaged: {detail}. Was the file replaced or truncated? Stop all processes, restore a backup",
    "SQLITE_IOERR": "cannot be read or written: {detail}",
}
"""Message by the first two characters of a SQLSTATE, or the prefix of SQLite's error name."""


def error_code(error: DBAPIError) -> str:
    """The database's code of an error: the SQLSTATE, or SQLite's error name."""
    return str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", ""))


def is_serialization_failure(error: DBAPIError) -> bool:
    """Whether the error is a conflict with another transaction, so that a retry can succeed."""
    state = error_code(error)
    # A distributed PostgreSQL reports a unique violation of COPY as an internal error.
    return state in SERIALIZATION_FAILURES or (state == "XX000" and "duplicate key value" in str(error.orig))


@contextmanager
def translate_errors(name: str, *, statement_seconds: float | None = None) -> Iterator[None]:
    """Translate database errors that are raised in the block, whose statements may have a time limit."""
    try:
        yield
    except PoolTimeout as error:
        raise pool_exhausted(name) from error
    except DBAPIError as error:
        if statement_seconds is not None and error_code(error) in STATEMENT_TIMEOUTS:
            message = f"a read of the database {name} took longer than {statement_seconds:g} seconds and was ended"
            raise StatementTimeout(message) from error
        raise_translated(error, name)


def pool_exhausted(name: str) -> StoreUnavailable:
    """The error for a connection pool of which all connections are in use."""
    return StoreUnavailable(f"all connections of this process to the database {name} are in use")


def unknown_outcome(name: str, why: str) -> CommitUnknown:
    """The error for a write whose outcome is unknown."""
    return CommitUnknown(f"it is not known whether the write was done: the database {name} {why}")


def raise_if_interrupted(error: BaseException) -> None:
    """Raise the KeyboardInterrupt that caused an error, if there is one.

    psycopg cancels the interrupted statement. If the cancellation is late, the rollback fails, and its error hides the
    interruption.
    """
    interruption = _interruption_in(error)
    if interruption is not None:
        raise interruption


def hide_interruptions(record: logging.LogRecord) -> bool:
    """Filter interruptions from the pool's log of connections that it could not reset."""
    error = record.exc_info[1] if record.exc_info else None
    return error is None or _interruption_in(error) is None


def _interruption_in(error: BaseException) -> KeyboardInterrupt | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause


def raise_translated(error: DBAPIError, name: str) -> NoReturn:
    """Raise the translated error.

    An interruption is raised as such. A programming error, or one of a modified schema, is raised unchanged.
    """
    raise_if_interrupted(error)
    state = error_code(error)
    if is_serialization_failure(error):
        raise Conflict(CONTENTION_MESSAGE) from error
    if state in LOCK_TIMEOUTS:
        message = f"another session holds a lock on the database {name} for too long: {_driver_message(error)}"
        raise LockTimeout(message) from error
    detail, refusal = _driver_message(error), _refusal(state)
    if refusal is not None:
        raise StoreRefused(f"the database {name} {refusal.format(detail=detail, state=state)}") from error
    if isinstance(error, ProgrammingError | DataError | IntegrityError) or state == "SQLITE_ERROR":
        raise error
    refused = detail.partition(_FATAL)[2].strip()
    if not state and refused:  # libpq has no SQLSTATE for errors during connecting
        raise StoreRefused(f"the database {name} refuses the connection: {refused}") from error
    raise StoreUnavailable(f"the database {name} does not answer: {detail}") from error


def _refusal(state: str) -> str | None:
    if state in _REFUSALS:
        return _REFUSALS[state]
    return next((text for start, text in _REFUSALS_BY_CLASS.items() if state.startswith(start)), None)


def _driver_message(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0][:300]
