"""Devices of people, parsed from requests (track-api.md §1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.attributes import Attributes, check_attributes, updated_attributes
from workspace_operator.identity.values.text_limits import MAX_VALUE_BYTES, check_text, quoted, stripped
from workspace_operator.identity.values.timestamps import whole_seconds_of

MAX_DEVICES = 100
"""Maximum for a person; a merge may exceed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that can receive messages for a person.

    Attributes:
        token: the caller's identifier of the device, unique for a person.
        platform: such as ios or android, as sent; empty if it was not sent.
        last_used: Unix seconds; None if it was not sent.
        attributes: further attributes of the device.
    """

    token: str
    platform: str
    last_used: int | None = None
    attributes: Attributes


def device_of(body: Mapping[str, object], *, field: str = "device", token: str = "id") -> Device:  # noqa: S107 - a name
    """Parse a device; other names in the body are ignored.

    ``token`` is the name of the token in the body: ``id`` in v1, ``token`` in v2. All others are optional; null counts
    as absent.

    Raises:
        InvalidInput: a value is missing, over a limit, or has an unsupported type; no value is truncated.
    """
    attributes = body.get("attributes")
    if attributes is None:
        attributes = {}
    if not isinstance(attributes, dict):
        raise InvalidInput(f"{field}.attributes is {quoted(attributes)}: send an object", field=f"{field}.attributes")
    check_attributes(attributes, field=f"{field}.attributes")
    return Device(
        token=device_token_of(body.get(token), field=f"{field}.{token}"),
        platform=_platform(body.get("platform"), f"{field}.platform"),
        last_used=whole_seconds_of(body.get("last_used"), field=f"{field}.last_used"),
        attributes=updated_attributes({}, cast("dict[str, Any]", attributes)),
    )


def device_token_of(raw: object, *, field: str) -> str:
    """Parse the token of a device, 1 to 1000 bytes. Raises InvalidInput."""
    return _text(raw, field, "the token of the device")


def _platform(raw: object, field: str) -> str:
    return "" if raw is None or raw == "" else _text(raw, field, "a platform such as ios or android")


def _text(raw: object, field: str, what: str) -> str:
    if raw is not None and not isinstance(raw, str):
        raise InvalidInput(f"{field} is {quoted(raw)}: send text, {what}", field=field)
    if raw is None or not stripped(raw):
        raise InvalidInput(f"{field} is missing: send {what}", field=field)
    check_text(raw, field=field, limit=MAX_VALUE_BYTES)
    return raw
