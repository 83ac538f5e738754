"""One read transaction for several reads, which each would have one of their own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError


@dataclass(slots=True)
class SharedRead:
    """A read transaction that begins with the first read.

    A read that fails ends it, since PostgreSQL executes nothing more in it; the next read begins another.

    Args:
        begin: begins a read transaction.
    """

    begin: Callable[[], AbstractContextManager[sa.Connection]]
    _open: ExitStack = field(default_factory=ExitStack, init=False)
    _connection: sa.Connection | None = field(default=None, init=False)

    @contextmanager
    def use(self) -> Iterator[sa.Connection]:
        """The connection of the transaction, for one read."""
        if self._connection is None:
            self._connection = self._open.enter_context(self.begin())
        try:
            yield self._connection
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End the transaction; in the handler of an exception, by a rollback.

        It wrote nothing, so it does not matter if its connection is lost.
        """
        self._connection = None
        with suppress(SQLAlchemyError):
            self._open.__exit__(*sys.exc_info())
