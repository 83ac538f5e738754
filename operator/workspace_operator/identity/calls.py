"""Calls: what can be asked about people, as values (identity-rules §3 to §6)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias, cast

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.attributes import IDENTIFIER_NAMES, Wishes, check_attributes, without_identifiers
from workspace_operator.identity.devices import Device
from workspace_operator.identity.documents import check_document
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.events import Event, anonymous_id_of
from workspace_operator.identity.references import Reference
from workspace_operator.identity.reserved_ids import is_placeholder
from workspace_operator.identity.rules import Mode
from workspace_operator.identity.texts import MAX_ID_BYTES, MAX_VALUE_BYTES, identifier_text, shown, stripped
from workspace_operator.identity.times import seconds_of
from workspace_operator.identity.truths import truth_of


class Unwritten(Enum):
    """What a call can say of an identifier beside a value."""

    ABSENT = "absent"
    DELETE = "delete"


ABSENT: Final = Unwritten.ABSENT
DELETE: Final = Unwritten.DELETE

IdentifierWish: TypeAlias = str | Literal[Unwritten.ABSENT, Unwritten.DELETE]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyCall:
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
        odd_email: what the body says of the email if that is neither text nor a number, a JSON value; `email` is its
            JSON then, and taken in mode IDOnly only.
        email_key: the key of `email`, None where that is no address.
    """

    reference: Reference
    id: IdentifierWish = ABSENT
    email: IdentifierWish = ABSENT
    cio_id: IdentifierWish = ABSENT
    attributes: Wishes
    update_only: bool = False
    by_import: bool = False
    timestamp: float | None = None
    anonymous_id: str | None = None
    left_out: tuple[str, ...] = ()
    odd_email: object = None
    email_key: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Take the key of the email once: it is looked up, compared and stored."""
        if isinstance(self.email, str):
            object.__setattr__(self, "email_key", email_key(self.email))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCall:
    """Delete a person with all their data (identity-rules §6)."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressCall:
    """Delete a person and block their identifiers, or block a bare value."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsuppressCall:
    """End every suppression that holds a value."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCall:
    """Make one person of two, in any mode; the caller says who is primary (identity-rules §5)."""

    primary: Reference
    secondary: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCall:
    """Record an event of a person; somebody unknown is taken as a bare identify first (identity-rules §4)."""

    reference: Reference
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymousEventCall:
    """Record an event of nobody known; with an ``anonymous_id`` somebody may turn out to have done it."""

    event: Event
    anonymous_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddDeviceCall:
    """Add a device to a person, or update it; somebody unknown is taken as a bare identify first."""

    reference: Reference
    device: Device


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDeviceCall:
    """Take a device from a person."""

    reference: Reference
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCall:
    """Put a person into a manual segment, or take them out; unknown people are ignored."""

    reference: Reference
    segment: int
    joins: bool


Call: TypeAlias = (
    IdentifyCall
    | DeleteCall
    | SuppressCall
    | UnsuppressCall
    | MergeCall
    | EventCall
    | AnonymousEventCall
    | AddDeviceCall
    | DeleteDeviceCall
    | SegmentCall
)
"""Everything that can be asked about people; `performing.perform` carries it out."""

Ask: TypeAlias = Call | Callable[[Mode], Call]
"""A call, or what makes one once the mode in force is known; raises InvalidInput if it is none in that mode."""


def identify_call(
    reference: Reference,
    body: Mapping[str, object],
    *,
    update_only: bool = False,
    by_import: bool = False,
    timestamp: float | None = None,
    anonymous_id: str | None = None,
    left_out: tuple[str, ...] = (),
    field: str = "attributes",
) -> IdentifyCall:
    """A call from a reference and everything that was sent about the person; all names but identifiers are plain.

    Args:
        reference: how the person is named.
        body: identifiers and attributes; null or what is empty deletes them.
        update_only: creates nobody.
        by_import: a row of a file.
        timestamp: when this was so, Unix seconds; None is now.
        anonymous_id: under which the person was not known yet.
        left_out: what was ignored of what the caller sent.
        field: the body's path in errors.

    Raises:
        InvalidInput: something is over a limit or of a type that is not taken; nothing is ever cut.
    """
    named = not IDENTIFIER_NAMES.isdisjoint(body)
    attributes = without_identifiers(body) if named else body
    check_attributes(attributes, field=field)
    odd_email = body["email"] if named and isinstance(body.get("email"), _ODD_TYPES) else None
    return IdentifyCall(
        reference=reference,
        id=_wish(body, "id", MAX_ID_BYTES, field) if named else ABSENT,
        email=_email_wish(body, odd_email, field) if named else ABSENT,
        cio_id=_wish(body, "cio_id", MAX_ID_BYTES, field) if named else ABSENT,
        attributes=cast("Wishes", attributes),
        update_only=update_only,
        by_import=by_import,
        timestamp=timestamp,
        anonymous_id=anonymous_id,
        left_out=left_out,
        odd_email=odd_email,
    )


ANONYMOUS_ID: Final = "anonymous-id"
"""Name on the wire of an anonymous_id that was left out."""

META_NAMES = frozenset({"_timestamp", "_update"})
"""Names in a body on the wire that say something of the call and are no attributes (track-api.md §1)."""


def call_of_body(
    reference: Reference, body: Mapping[str, object], *, update_only: bool = False, field: str = "attributes"
) -> IdentifyCall:
    """A call from what the wire says of a person: ``_timestamp``, ``_update`` and ``anonymous_id`` have a meaning.

    Raises:
        InvalidInput: as `identify_call`; a ``_timestamp`` that is no time, an ``_update`` that is neither true nor
            false, an ``anonymous_id`` that is neither text nor a number. One that looks like a variable that was not
            set is left out.
    """
    left_out: tuple[str, ...] = ()
    if is_placeholder(body.get("anonymous_id")):
        body, left_out = {name: body[name] for name in body if name != "anonymous_id"}, (ANONYMOUS_ID,)
    said = body if META_NAMES.isdisjoint(body) else {name: body[name] for name in body if name not in META_NAMES}
    return identify_call(
        reference,
        said,
        update_only=_flag(body.get("_update"), field=f"{field}._update") or update_only,
        timestamp=seconds_of(body.get("_timestamp"), field=f"{field}._timestamp"),
        anonymous_id=anonymous_id_of(body.get("anonymous_id"), field=f"{field}.anonymous_id"),
        left_out=left_out,
        field=field,
    )


def _flag(raw: object, *, field: str) -> bool:
    if raw is None or raw == "":
        return False
    flag = truth_of(raw)
    if flag is not None:
        return flag
    raise InvalidInput(f"{field} is {shown(raw)}: send true or false", field=field)


def _wish(body: Mapping[str, object], name: str, limit: int, field: str) -> IdentifierWish:
    if name not in body:
        return ABSENT
    text = identifier_text(body[name], field=f"{field}.{name}", limit=limit)
    return DELETE if text is None else text


_ODD_TYPES = (bool, list, dict)
"""JSON values that no address can be, but an attribute.

They are kept as JSON text, as attributes are read back: a column of JSON would have to be unpacked by every check of
addresses.
"""


def _email_wish(body: Mapping[str, object], odd: object, field: str) -> IdentifierWish:
    """What a body says of the email: without white space around it, as it is shown (identity-rules §1)."""
    if odd is not None:
        check_document(odd, field=f"{field}.email", limit=MAX_VALUE_BYTES)
        return json.dumps(odd, ensure_ascii=False, separators=(",", ":"))
    wish = _wish(body, "email", MAX_VALUE_BYTES, field)
    return stripped(wish) if isinstance(wish, str) else wish
