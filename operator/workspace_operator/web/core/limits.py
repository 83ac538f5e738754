"""Limits on the resources that clients of the people API can use."""

from dataclasses import dataclass

from workspace_operator.http_server.limits import ConnectionLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(ConnectionLimits):
    """Limits of the API, beside those of its connections.

    Attributes:
        wrong_keys: wrong keys per address and minute before further responses to them are delayed.
        wrong_key_seconds: that delay.
        sends_per_second: messages that a key may send per second to one process, after ``sends_at_once``.
        sends_at_once: messages that a key may send at once.
    """

    wrong_keys: int = 20
    wrong_key_seconds: float = 0.5
    sends_per_second: float = 1_000.0
    sends_at_once: int = 2_000
