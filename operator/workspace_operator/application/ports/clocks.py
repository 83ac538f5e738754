"""The time that all processes of one store share."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time by the clock of the database's machine: what several machines compare must come from one clock."""

    def __call__(self) -> datetime:
        """The time now, in UTC."""
        ...

    def timestamp(self) -> float:
        """The time now, in Unix seconds."""
        ...
