"""The clock that all processes of one database share."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The clock of the database server: times that several machines compare must come from one clock."""

    def __call__(self) -> datetime:
        """Current time, in UTC."""
        ...

    def timestamp(self) -> float:
        """Current time, in Unix seconds."""
        ...
