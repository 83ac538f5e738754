"""Metrics of requests and commands."""

from typing import Protocol

from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.identity.model.results import CommandResultOrError


class Metrics(Protocol):
    """Metrics of requests and commands."""

    def count_request(self, record: AccessRecord) -> None:
        """Count a request; called on the event loop."""
        ...

    def count_command(self, kind: str, result: CommandResultOrError) -> None:
        """Count a command by its kind and effect; called on the event loop."""
        ...

    def count_message(self, mode: str, *, replayed: bool) -> None:
        """Count an accepted message by the send mode in force, or an idempotent repeat; on the event loop."""
        ...
