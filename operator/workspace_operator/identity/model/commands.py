"""Commands about people, as values (identity-rules §3 to §6)."""

import json
from collections.abc import Mapping
from dataclasses import field, replace
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
from workspace_operator.identity.values.rules import ID_ONLY, Mode
from workspace_operator.identity.values.text_limits import (
    MAX_ID_BYTES,
    MAX_VALUE_BYTES,
    identifier_text,
    quoted,
    stripped,
)
from workspace_operator.identity.values.timestamps import seconds_of
from workspace_operator.identity.values.tracked_events import TrackedEvent, anonymous_id_of
from workspace_operator.identity.values.value_objects import value_object


class Unset(Enum):
    """The requests about an identifier that have no value: leave it as it is, or delete it."""

    ABSENT = "absent"
    DELETE = "delete"


ABSENT: Final = Unset.ABSENT
DELETE: Final = Unset.DELETE

IdentifierValue: TypeAlias = str | Literal[Unset.ABSENT, Unset.DELETE]


@value_object(frozen=True, slots=True, kw_only=True)
class Identify:
    """Create or update a person (identity-rules §4).

    Attributes:
        email: the requested email; in mode IDOnly it is a plain attribute.
        cio_id: the cio_id in the body, with or without prefix.
        attributes: the other names of the body; identifiers among them are ignored.
        update_only: whether the command creates no person.
        by_import: whether the command is a row of a file (identity-rules §3, CSV import).
        timestamp: when the attributes had these values (``_timestamp``, identity-rules §4), Unix seconds; None is now.
        anonymous_id: links the earlier anonymous events with this id to the person; also one of the attributes.
        ignored_parts: parts of the body that were ignored, by their names on the wire.
        non_text_email: the email in the body if it is neither text nor a number, a JSON value. `email` is its JSON text
            then, which is accepted only in mode IDOnly.
        email_key: the key of `email`; None if it is not a valid address.
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
        """Compute the key of the email once: it is looked up, compared and stored."""
        if isinstance(self.email, str):
            object.__setattr__(self, "email_key", email_key(self.email))


@value_object(frozen=True, slots=True, kw_only=True)
class DeletePerson:
    """Delete a person with all data (identity-rules §6)."""

    reference: Reference


@value_object(frozen=True, slots=True, kw_only=True)
class Suppress:
    """Delete a person and suppress both identifiers, or suppress a value that no person has."""

    reference: Reference


@value_object(frozen=True, slots=True, kw_only=True)
class Unsuppress:
    """End every suppression of a value."""

    reference: Reference


@value_object(frozen=True, slots=True, kw_only=True)
class MergePeople:
    """Merge two people, in any mode; the caller names the primary (identity-rules §5)."""

    primary: Reference
    secondary: Reference


@value_object(frozen=True, slots=True, kw_only=True)
class TrackEvent:
    """Record an event of a person; create the person first if the reference matches none (identity-rules §4)."""

    reference: Reference
    event: TrackedEvent


@value_object(frozen=True, slots=True, kw_only=True)
class TrackAnonymousEvent:
    """Record an event without a person; its ``anonymous_id`` can be linked to a person later."""

    event: TrackedEvent
    anonymous_id: str | None = None


@value_object(frozen=True, slots=True, kw_only=True)
class AddDevice:
    """Add or replace a device of a person; create the person first if the reference matches none."""

    reference: Reference
    device: Device


@value_object(frozen=True, slots=True, kw_only=True)
class DeleteDevice:
    """Remove a device from a person."""

    reference: Reference
    token: str


@value_object(frozen=True, slots=True, kw_only=True)
class SetMembership:
    """Add a person to a manual segment, or remove the person from it; an unknown person is ignored."""

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
"""Every command about people; `dispatch.handle` executes it."""


def in_mode(command: Command, mode: Mode) -> Command:
    """The command in a mode: its references are the identifiers that they are there (identity-rules §4, row a).

    Suppress and Unsuppress accept an email in every mode, if its kind was given (identity-rules §6). Raises
    InvalidInput if a reference is no identifier in the mode.
    """
    if mode is not ID_ONLY or isinstance(command, TrackAnonymousEvent):
        return command
    if isinstance(command, MergePeople):
        return MergePeople(primary=command.primary.in_mode(mode), secondary=command.secondary.in_mode(mode))
    if isinstance(command, Suppress | Unsuppress) and command.reference.untyped is None:
        return command
    reference = command.reference.in_mode(mode)
    return command if reference is command.reference else replace(command, reference=reference)


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
    """Make a command from a reference and a body in which only the identifiers are special.

    Null or an empty string in the body deletes a value. ``field`` is the body's path in errors; for the other arguments
    see `Identify`.

    Raises:
        InvalidInput: a value is over a limit or has an unsupported type; no value is truncated.
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
"""Name on the wire of an anonymous_id that was ignored."""

META_FIELDS = frozenset({"_timestamp", "_update"})
"""Names in a request body that concern the command and are no attributes (track-api.md §1)."""


def identify_from_request(
    reference: Reference, body: Mapping[str, object], *, update_only: bool = False, field: str = "attributes"
) -> Identify:
    """Make a command from a request body.

    ``_timestamp`` and ``_update`` are options of the command. ``anonymous_id`` is an option and an attribute; it is
    ignored if it looks like a variable that was not set.

    Raises:
        InvalidInput: as `identify_from_fields`; also if ``_timestamp`` is no time, ``_update`` is neither true nor
            false, or ``anonymous_id`` is neither text nor a number.
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
"""JSON values that can be an attribute but not an email address.

They are stored as JSON text: every check of addresses would have to decode a JSON column.
"""


def _email_value(body: Mapping[str, object], non_text: object, field: str) -> IdentifierValue:
    """The requested email, without surrounding white space, as it is displayed (identity-rules §1)."""
    if non_text is not None:
        check_json(non_text, field=f"{field}.email", limit=MAX_VALUE_BYTES)
        return json.dumps(non_text, ensure_ascii=False, separators=(",", ":"))
    value = _identifier_value(body, "email", MAX_VALUE_BYTES, field)
    return stripped(value) if isinstance(value, str) else value
