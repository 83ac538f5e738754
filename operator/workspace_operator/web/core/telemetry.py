"""Access records and metrics of requests."""

from typing import Final, NamedTuple, Protocol

from workspace_operator.identity.model.results import CommandResultOrError

MULTIPROCESS_DIR_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory of shared metrics; prometheus_client reads it at its first import."""


class AccessRecord(NamedTuple):
    """One request as recorded in metrics and access log; without secrets and e-mail addresses.

    A named tuple is made in half the time of a frozen dataclass, and there is one for each request.

    Attributes:
        request_id: identifies the request in the error log and in responses with status 500 or 503.
        method: as sent if it is a standard method, else ``OTHER``.
        route: the pattern of the route, such as ``/api/v1/customers/{ref}``; empty if none matched.
        status: of the response; 499 if the client disconnected before it.
        seconds: time from the headers to the last byte of the response.
        workspace_id: the workspace of the key, 0 without a valid key.
        received: size of the request body in bytes.
        sent: size of the response body in bytes.
    """

    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    workspace_id: int
    received: int
    sent: int


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
