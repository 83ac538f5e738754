"""Limits on the connections of clients, and on what they send."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Sizes in bytes, times in seconds.

    Attributes:
        path: size of the path with its query.
        headers: total size of the header names and values.
        header_count: number of headers.
        header_seconds: time from the start of a connection or request to the end of its headers.
        body_seconds: time from the headers to the end of the body.
        idle_seconds: time between two requests of a connection.
        write_seconds: time for a client to receive a chunk of the response.
        connections: open connections per process.
        body_budget: total size of all bodies that a process reads at once.
    """

    path: int = 8_000
    headers: int = 16_000
    header_count: int = 100
    header_seconds: float = 10.0
    body_seconds: float = 20.0
    idle_seconds: float = 75.0
    write_seconds: float = 20.0
    connections: int = 1_000
    body_budget: int = 32_000_000
