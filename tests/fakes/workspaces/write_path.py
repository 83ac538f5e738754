"""Whether the store in memory takes writes: always, unless a test says otherwise."""

from dataclasses import dataclass


@dataclass(slots=True)
class FakeWritePath:
    """Implements the port ``WritePath``."""

    error: Exception | None = None
    checks: int = 0

    def check_writable(self) -> None:
        self.checks += 1
        if self.error is not None:
            raise self.error
