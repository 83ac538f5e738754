"""Calls: what can be asked about people, as values (identity-rules §3 to §6)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias, cast

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.attributes import (
    IDENTIFIER_NAMES,
    AttributeUpdates,
    check_attributes,
    without_identifiers,
)
from workspace_operator.identity.values.booleans import boolean_of
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.json_limits import check_json
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.reserved_ids import is_placeholder
from workspace_operator.identity.values.rules import Mode
from workspace_operator.identity.values.text_limits import (
    MAX_ID_BYTES,
    MAX_VALUE_BYTES,
    identifier_text,
    quoted,
    stripped,
)
from workspace_operator.identity.values.timestamps import seconds_of
from workspace_operator.identity.values.tracked_events import TrackedEvent, anonymous_id_of


class Unset(Enum):
    """What a call can say of an identifier beside a value."""

    ABSENT = "absent"
    DELETE = "delete"


ABSENT: Final = Unset.ABSENT
DELETE: Final = Unset.DELETE

IdentifierValue: TypeAlias = str | Literal[Unset.ABSENT, Unset.DELETE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """One identify call; an event for somebody, or a device, is one without attributes.

    Attributes:
        reference: how the person is named.
        id: what the body says of the id.
        email: what the body says of the email; in mode IDOnly it is a plain attribute.
        cio_id: what the body says of the cio_id, with or without prefix.
        attributes: everything else in the body; identifiers in it are ignored.
        update_only: creates nobody.
        by_import: a row of a file: the last line of identity-rules §3 binds.
        timestamp: when the attributes had these values (``_timestamp``, identity-rules §4), Unix seconds; None is now.
        anonymous_id: under which the person did something before they were known; among the attributes, too.
        left_out: parts of the body that were ignored, by their names on the wire.
        non_text_email: what the body says of the email if that is neither text nor a number, a JSON value; `email` is
        its
            JSON then, and taken in mode IDOnly only.
        email_key: the key of `email`, None where that is no address.
    """

    reference: Reference
    id: IdentifierValue = ABSENT
    email: IdentifierValue = ABSENT
    cio_id: IdentifierValue = ABSENT
    attributes: AttributeUpdates
    update_only: bool = False
    by_import: bool = False
    timestamp: float | None = None
    anonymous_id: str | None = None
    ignored_parts: tuple[str, ...] = ()
    non_text_email: object = None
    email_key: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Take the key of the email once: it is looked up, compared and stored."""
        if isinstance(self.email, str):
            object.__setattr__(self, "email_key", email_key(self.email))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePerson:
    """Delete a person with all their data (identity-rules §6)."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppress:
    """Delete a person and block their identifiers, or block a bare value."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsuppress:
    """End every suppression that holds a value."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePeople:
    """Make one person of two, in any mode; the caller says who is primary (identity-rules §5)."""

    primary: Reference
    secondary: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEvent:
    """Record an event of a person; somebody unknown is taken as a bare identify first (identity-rules §4)."""

    reference: Reference
    event: TrackedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackAnonymousEvent:
    """Record an event of nobody known; with an ``anonymous_id`` somebody may turn out to have done it."""

    event: TrackedEvent
    anonymous_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddDevice:
    """Add a device to a person, or update it; somebody unknown is taken as a bare identify first."""

    reference: Reference
    device: Device


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDevice:
    """Take a device from a person."""

    reference: Reference
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMembership:
    """Put a person into a manual segment, or take them out; unknown people are ignored."""

    reference: Reference
    segment: int
    member: bool


Command: TypeAlias = (
    Identify
    | DeletePerson
    | Suppress
    | Unsuppress
    | MergePeople
    | TrackEvent
    | TrackAnonymousEvent
    | AddDevice
    | DeleteDevice
    | SetMembership
)
"""Everything that can be asked about people; `dispatch.perform` carries it out."""

UnresolvedCommand: TypeAlias = Command | Callable[[Mode], Command]
"""A call, or what makes one once the mode in force is known; raises InvalidInput if it is none in that mode."""


def identify_from_fields(
    reference: Reference,
    body: Mapping[str, object],
    *,
    update_only: bool = False,
    by_import: bool = False,
    timestamp: float | None = None,
    anonymous_id: str | None = None,
    ignored_parts: tuple[str, ...] = (),
    field: str = "attributes",
) -> Identify:
    """A call from a reference and everything that was sent about the person; all names but identifiers are plain.

    Args:
        reference: how the person is named.
        body: identifiers and attributes; null or what is empty deletes them.
        update_only: creates nobody.
        by_import: a row of a file.
        timestamp: when this was so, Unix seconds; None is now.
        anonymous_id: under which the person was not known yet.
        ignored_parts: what was ignored of what the caller sent.
        field: the body's path in errors.

    Raises:
        InvalidInput: something is over a limit or of a type that is not taken; nothing is ever cut.
    """
    has_identifiers = not IDENTIFIER_NAMES.isdisjoint(body)
    attributes = without_identifiers(body) if has_identifiers else body
    check_attributes(attributes, field=field)
    non_text_email = body["email"] if has_identifiers and isinstance(body.get("email"), _NON_TEXT_TYPES) else None
    return Identify(
        reference=reference,
        id=_identifier_value(body, "id", MAX_ID_BYTES, field) if has_identifiers else ABSENT,
        email=_email_value(body, non_text_email, field) if has_identifiers else ABSENT,
        cio_id=_identifier_value(body, "cio_id", MAX_ID_BYTES, field) if has_identifiers else ABSENT,
        attributes=cast("AttributeUpdates", attributes),
        update_only=update_only,
        by_import=by_import,
        timestamp=timestamp,
        anonymous_id=anonymous_id,
        ignored_parts=ignored_parts,
        non_text_email=non_text_email,
    )


ANONYMOUS_ID: Final = "anonymous-id"
"""Name on the wire of an anonymous_id that was left out."""

META_FIELDS = frozenset({"_timestamp", "_update"})
"""Names in a body on the wire that say something of the call and are no attributes (track-api.md §1)."""


def identify_from_request(
    reference: Reference, body: Mapping[str, object], *, update_only: bool = False, field: str = "attributes"
) -> Identify:
    """Make a command from a request body.

    ``_timestamp``, ``_update`` and ``anonymous_id`` have a meaning of their own.

    Raises:
        InvalidInput: as `identify_from_fields`; a ``_timestamp`` that is no time, an ``_update`` that is
        neither true nor
            false, an ``anonymous_id`` that is neither text nor a number. One that looks like a variable that was not
            set is left out.
    """
    ignored_parts: tuple[str, ...] = ()
    if is_placeholder(body.get("anonymous_id")):
        body, ignored_parts = {name: body[name] for name in body if name != "anonymous_id"}, (ANONYMOUS_ID,)
    fields = body if META_FIELDS.isdisjoint(body) else {name: body[name] for name in body if name not in META_FIELDS}
    return identify_from_fields(
        reference,
        fields,
        update_only=_flag(body.get("_update"), field=f"{field}._update") or update_only,
        timestamp=seconds_of(body.get("_timestamp"), field=f"{field}._timestamp"),
        anonymous_id=anonymous_id_of(body.get("anonymous_id"), field=f"{field}.anonymous_id"),
        ignored_parts=ignored_parts,
        field=field,
    )


def _flag(raw: object, *, field: str) -> bool:
    if raw is None or raw == "":
        return False
    flag = boolean_of(raw)
    if flag is not None:
        return flag
    raise InvalidInput(f"{field} is {quoted(raw)}: send true or false", field=field)


def _identifier_value(body: Mapping[str, object], name: str, limit: int, field: str) -> IdentifierValue:
    if name not in body:
        return ABSENT
    text = identifier_text(body[name], field=f"{field}.{name}", limit=limit)
    return DELETE if text is None else text


_NON_TEXT_TYPES = (bool, list, dict)
"""JSON values that no address can be, but an attribute.

They are kept as JSON text, as attributes are read back: a column of JSON would have to be unpacked by every check of
addresses.
"""


def _email_value(body: Mapping[str, object], non_text: object, field: str) -> IdentifierValue:
    """What a body says of the email: without white space around it, as it is shown (identity-rules §1)."""
    if non_text is not None:
        check_json(non_text, field=f"{field}.email", limit=MAX_VALUE_BYTES)
        return json.dumps(non_text, ensure_ascii=False, separators=(",", ":"))
    value = _identifier_value(body, "email", MAX_VALUE_BYTES, field)
    return stripped(value) if isinstance(value, str) else value
