"""Port of the check that the database accepts writes."""

from typing import Protocol


class WritePath(Protocol):
    """Checks every step of a write, up to its confirmation."""

    def check_writable(self) -> None:
        """Commit a small durable write that leaves nothing behind. Raises StoreUnavailable if it is not confirmed."""
        ...
