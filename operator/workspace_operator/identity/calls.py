"""Calls and what came of them, as values (identity-rules §3, §4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, Literal, TypeAlias, cast

from workspace_operator.identity.attributes import IDENTIFIER_NAMES, Wishes, check_attributes, without_identifiers
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import Kind
from workspace_operator.identity.texts import MAX_ID_BYTES, MAX_VALUE_BYTES, identifier_text


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
        email_key: the key of `email`, None where that is no address.
    """

    reference: Reference
    id: IdentifierWish = ABSENT
    email: IdentifierWish = ABSENT
    cio_id: IdentifierWish = ABSENT
    attributes: Wishes
    update_only: bool = False
    by_import: bool = False
    email_key: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Take the key of the email once: it is looked up, compared and stored."""
        if isinstance(self.email, str):
            object.__setattr__(self, "email_key", email_key(self.email))


class Effect(StrEnum):
    """What a call came to."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    """Nobody matched, and only updates were asked for."""
    IGNORED = "ignored"
    """Accepted without effect: a suppressed reference, an unknown cio_id."""
    REJECTED = "rejected"
    """Not accepted, nothing applied."""
    DELETED = "deleted"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A change of an identifier that the rules do not allow; ``value`` is None for a deletion."""

    kind: Kind
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a call came to, and with whom.

    Attributes:
        effect: what was done.
        person: the person afterwards, or as they last were if they are gone; None if nobody is concerned.
        before: the person before; None if there was none.
        absorbed: who ceased to exist in a merge (identity-rules §5).
        refusals: changes of identifiers that were refused while the rest was applied.
        reason: why nothing was done; empty if something was, or nothing had to be.
    """

    effect: Effect
    person: Person | None = None
    before: Person | None = None
    absorbed: Person | None = None
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""


def identify_call(
    reference: Reference,
    body: Mapping[str, object],
    *,
    update_only: bool = False,
    by_import: bool = False,
    field: str = "attributes",
) -> IdentifyCall:
    """A call from a reference and everything that was sent about the person.

    Args:
        reference: how the person is named.
        body: identifiers and attributes; null or what is empty deletes them.
        update_only: creates nobody.
        by_import: a row of a file.
        field: the body's path in errors.

    Raises:
        InvalidInput: something is over a limit or of a type that is not taken; nothing is ever cut.
    """
    named = not IDENTIFIER_NAMES.isdisjoint(body)
    attributes = without_identifiers(body) if named else body
    check_attributes(attributes, field=field)
    return IdentifyCall(
        reference=reference,
        id=_wish(body, "id", MAX_ID_BYTES, field) if named else ABSENT,
        email=_wish(body, "email", MAX_VALUE_BYTES, field) if named else ABSENT,
        cio_id=_wish(body, "cio_id", MAX_ID_BYTES, field) if named else ABSENT,
        attributes=cast("Wishes", attributes),
        update_only=update_only,
        by_import=by_import,
    )


def _wish(body: Mapping[str, object], name: str, limit: int, field: str) -> IdentifierWish:
    if name not in body:
        return ABSENT
    text = identifier_text(body[name], field=f"{field}.{name}", limit=limit)
    return DELETE if text is None else text
