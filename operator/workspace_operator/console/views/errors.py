"""What an error page says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """An error: what happened, and what to do or what became of the work; commands to copy, if any."""

    heading: str
    more: str = ""
