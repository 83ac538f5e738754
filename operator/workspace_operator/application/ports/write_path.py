"""Port of the check that the database accepts writes."""

from typing import Protocol


class WritePath(Protocol):
    """Checks every step of a write, up to its confirmation."""

    def check_writable(self) -> None:
        """Commit a small durable write that leaves nothing behind.

        Raises:
            StoreUnavailable: the write is not confirmed, or another process is upgrading the schema.
            UnsupportedSchema: the store has the schema of another version by now.
        """
        ...
