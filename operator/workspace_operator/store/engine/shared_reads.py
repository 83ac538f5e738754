"""One read transaction for several reads, which each would have one of their own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa


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
        """End the transaction."""
        self._connection = None
        self._open.close()
