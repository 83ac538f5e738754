"""Whether a store takes writes."""

from typing import Protocol


class WritePath(Protocol):
    """A test of everything that a write goes through, up to its confirmation."""

    def check_writable(self) -> None:
        """Commit a small durable write that leaves nothing behind.

        Raises:
            StoreUnavailable: the store does not answer, refuses writes, or does not confirm them.
        """
        ...
