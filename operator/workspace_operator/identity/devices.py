"""Devices of people (track-api.md §1)."""

from dataclasses import dataclass

from workspace_operator.identity.attributes import Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Something that a person can be reached on.

    Attributes:
        token: the caller's name of it, unique for its person.
        platform: such as ios or android, as sent.
        last_used: Unix seconds, None if the caller did not say.
        attributes: anything else that was said of it.
    """

    token: str
    platform: str
    last_used: int | None = None
    attributes: Attributes
