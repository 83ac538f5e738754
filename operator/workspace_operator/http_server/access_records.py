"""Access records: what is counted and logged of each request."""

from typing import NamedTuple


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
