"""Errors of the databases, and which of ours each becomes: translated once, here.

Texts name the database, the setting or the fault, and what to do. They are for administrators: logs and the command
line. Callers of the API get none of them.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workspace_operator.errors import CommitUnknown, Conflict, LockTimeout, StoreRefused, StoreUnavailable

UNIQUE_VIOLATIONS: Final = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
SERIALIZATION_FAILURES: Final = UNIQUE_VIOLATIONS | {"40001", "40P01"}  # serialization failure, deadlock
LOCK_TIMEOUTS: Final = frozenset({"55P03", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED"})
READ_ONLY: Final = "25006"
QUERY_CANCELED: Final = "57014"

CONTENTION_MESSAGE: Final = "the same rows were changed by others again and again; try again"

_FATAL: Final = "FATAL: "

_NEEDS_FOLDER: Final = (
    "cannot be opened: its folder must be there, and be writable for the files -wal and -shm beside it ({said})"
)

_REFUSALS: Final[Mapping[str, str]] = {
    READ_ONLY: "is read-only: is it a standby, or is default_transaction_read_only on? With several hosts in the URL, "
    "target_session_attrs=read-write finds the primary",
    QUERY_CANCELED: "stopped a statement: its statement_timeout is too short, or somebody cancelled it",
    "25P03": "ended a session that was idle in a transaction: its idle_in_transaction_session_timeout is too short",
    "25P04": "ended a transaction: its transaction_timeout is too short",
    "42P05": "mixes up prepared statements of several clients, as a pooler in transaction mode does: add prepare=off "
    "to the options of the URL",
    "26000": "has lost a prepared statement, as a pooler in transaction mode does: add prepare=off to the options of "
    "the URL",
    "42501": "does not give its user the rights: {said}",
    "53100": "has no disk space left: {said}",
    "53200": "has no memory left: {said}",
    "53300": "has no connection left: {said}",
    "53400": "refuses more than its configuration allows: {said}",
    "SQLITE_READONLY_CANTINIT": _NEEDS_FOLDER,
    "SQLITE_READONLY_DIRECTORY": _NEEDS_FOLDER,
    "SQLITE_READONLY_RECOVERY": _NEEDS_FOLDER,
    "SQLITE_FULL": "has no disk space left",
    "SQLITE_PERM": "cannot be written: {said}",
    "SQLITE_NOTADB": "is no SQLite database: {said}",
    "SQLITE_AUTH": "refuses access: {said}",
}
"""By SQLSTATE or SQLite's name, what the database does; ``{said}`` is the first line of what the driver says."""

_REFUSALS_BY_CLASS: Final[Mapping[str, str]] = {
    "0A": "does not support a statement that this program sends ({state}): {said}",
    "XX": "has an internal error ({state}), of which its log says more: {said}",
    "SQLITE_READONLY": "cannot be written: the file and its folder, where the log is, must be writable ({said})",
    "SQLITE_CANTOPEN": _NEEDS_FOLDER,
    "SQLITE_CORRUPT": "is damaged: {said}. Was the file replaced or cut short? Restore a backup while nothing runs",
    "SQLITE_IOERR": "cannot be read or written: {said}",
}
"""By the first two characters of a SQLSTATE, or the beginning of SQLite's name."""


def error_code(error: DBAPIError) -> str:
    """The name that the database gives to an error: SQLSTATE, or SQLite's own."""
    return str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", ""))


def is_serialization_failure(error: DBAPIError) -> bool:
    """Whether the same work would succeed if it was done again, since another transaction was first."""
    # A distributed PostgreSQL reports a unique violation of COPY as an internal error.
    return error_code(error) in SERIALIZATION_FAILURES or (
        error_code(error) == "XX000" and "duplicate key value" in str(error.orig)
    )


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except PoolTimeout as error:
        raise pool_exhausted(name) from error
    except DBAPIError as error:
        raise_translated(error, name)


def pool_exhausted(name: str) -> StoreUnavailable:
    """All connections that this process may have are in use."""
    return StoreUnavailable(f"the database {name} has no connection left for us")


def unknown_outcome(name: str, why: str) -> CommitUnknown:
    """The error for a write that may have been done."""
    return CommitUnknown(f"it is not known whether the write was done: the database {name} {why}")


def raise_if_interrupted(error: BaseException) -> None:
    """Raise the KeyboardInterrupt in whose course an error came, if there is one.

    psycopg cancels the statement that is interrupted. If the cancellation is late, the rollback that follows fails, and
    its error hides the interruption.
    """
    interruption = _interruption_in(error)
    if interruption is not None:
        raise interruption


def hide_interruptions(record: logging.LogRecord) -> bool:
    """Filter what the pool logs of a connection that it could not reset: an interruption is no fault."""
    error = record.exc_info[1] if record.exc_info else None
    return error is None or _interruption_in(error) is None


def _interruption_in(error: BaseException) -> KeyboardInterrupt | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause


def raise_translated(error: DBAPIError, name: str) -> NoReturn:
    """Raise the error of ours; a mistake of this program, or a schema that somebody changed, is raised as it is.

    An interruption is raised as such.
    """
    raise_if_interrupted(error)
    state = error_code(error)
    if is_serialization_failure(error):
        raise Conflict(CONTENTION_MESSAGE) from error
    if state in LOCK_TIMEOUTS:
        raise LockTimeout(
            f"the database {name} is locked by somebody who does not let go: {_driver_message(error)}"
        ) from error
    refusal = _refusal(state)
    if refusal is not None:
        raise StoreRefused(f"the database {name} {refusal.format(said=_driver_message(error), state=state)}") from error
    if isinstance(error, ProgrammingError | DataError | IntegrityError) or state == "SQLITE_ERROR":
        raise error
    said = _driver_message(error)
    refused = said.partition(_FATAL)[2].strip()
    if not state and refused:  # libpq gives no SQLSTATE to what it hears when it connects
        raise StoreRefused(f"the database {name} refuses the connection: {refused}") from error
    raise StoreUnavailable(f"the database {name} does not answer: {said}") from error


def _refusal(state: str) -> str | None:
    if state in _REFUSALS:
        return _REFUSALS[state]
    return next((text for start, text in _REFUSALS_BY_CLASS.items() if state.startswith(start)), None)


def _driver_message(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0][:300]
