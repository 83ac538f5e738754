"""References: how a command names a person, typed and checked (identity-rules §4, row a)."""

from dataclasses import field, replace
from typing import TypeAlias

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import (
    CIO_ID,
    EMAIL,
    EMAIL_ONLY,
    EMAIL_OR_ID,
    ID,
    ID_ONLY,
    IdentifierKind,
    Mode,
)
from workspace_operator.identity.values.text_limits import (
    MAX_ID_BYTES,
    MAX_VALUE_BYTES,
    identifier_text,
    invisible_characters,
    quoted,
    stripped,
)
from workspace_operator.identity.values.value_objects import value_object

CIO_ID_PREFIX = "cio_"

IdentifierKey: TypeAlias = tuple[IdentifierKind, str]
"""Kind and key of an id or an email: it has at most one owner, and can be suppressed."""

REFERENCE_KINDS: dict[Mode, frozenset[IdentifierKind]] = {
    EMAIL_OR_ID: frozenset({EMAIL, ID, CIO_ID}),
    ID_ONLY: frozenset({ID, CIO_ID}),
    # Generated ids match people here, although they are no identifiers (identity-rules §2).
    EMAIL_ONLY: frozenset({EMAIL, ID, CIO_ID}),
}
"""The kinds of reference in each mode."""

_MAX_BYTES = {ID: MAX_ID_BYTES, CIO_ID: MAX_ID_BYTES, EMAIL: MAX_VALUE_BYTES}


@value_object(frozen=True, slots=True, kw_only=True)
class Reference:
    """Names a person in a command.

    It is checked as far as that is possible without the mode in force; `in_mode` does the rest.

    Attributes:
        kind: the kind of the value.
        value: the value as sent; an email without surrounding white space.
        key: the value to compare: the e-mail key, the id itself, or the cio_id without its prefix.
        untyped: the text as sent, if the kind was inferred from its shape.
        field: the path in errors.
    """

    kind: IdentifierKind
    value: str
    key: str
    untyped: str | None = field(default=None, compare=False)
    field: str = field(default="", compare=False)

    @property
    def identifier(self) -> IdentifierKey:
        """Kind and key, as in owners and suppressed values."""
        return (self.kind, self.key)

    def in_mode(self, mode: Mode) -> "Reference":
        """The reference in a mode, where an untyped email can be an id. Raises InvalidInput for any other kind."""
        if self.kind in REFERENCE_KINDS[mode]:
            return self
        if self.untyped is not None:
            return parse_reference(self.untyped, mode, field=self.field)
        raise _no_identifier(self.kind, mode, self.field or self.kind.value)


def reference_of_kind(
    raw: object, kind: IdentifierKind, mode: Mode = EMAIL_OR_ID, *, field: str = "", for_suppression: bool = False
) -> Reference:
    """Make a reference of a kind that the caller gives: v2, CSV, command line.

    The default mode accepts every kind, for a reference that is resolved later. ``field`` is the path in errors, by
    default the kind. ``for_suppression`` accepts an email in every mode (identity-rules §6).

    Raises:
        InvalidInput: the kind is no identifier in this mode, or the value is empty, too long or not a valid address.
    """
    path = field or kind
    if kind not in REFERENCE_KINDS[mode] and not (for_suppression and kind is EMAIL):
        raise _no_identifier(kind, mode, path)
    text = identifier_text(raw, field=path, limit=_MAX_BYTES[kind])
    if kind is EMAIL and text is not None:
        text = stripped(text)
    key = None if text is None else identifier_key(kind, text)
    if text is None or key == "":
        raise InvalidInput(f"{path} is empty: send a value that names a person", field=path)
    if key is None:
        hidden = invisible_characters(text)
        advice = f"it contains {hidden}, which cannot be seen" if hidden else "correct it"
        raise InvalidInput(f"{path} {quoted(text)} is not a valid email address: {advice}", field=path)
    return Reference(kind=kind, value=text, key=key, field=path)


def parse_reference(raw: object, mode: Mode = EMAIL_OR_ID, *, field: str = "reference") -> Reference:
    """Make a reference whose kind is inferred from its shape: paths of v1, arguments without a kind.

    ``cio_…`` is a cio_id, an address is an email where that is an identifier, any other value is an id. Raises
    InvalidInput if the value is empty or too long.
    """
    reference = reference_of_kind(raw, _infer_kind(raw, mode), mode, field=field)
    return replace(reference, untyped=raw) if reference.kind is EMAIL and isinstance(raw, str) else reference


def identifier_key(kind: IdentifierKind, text: str) -> str | None:
    """The key of an identifier; None for an email that is not a valid address."""
    if kind is EMAIL:
        return email_key(text)
    return text if kind is ID else bare_cio_id(text)


def bare_cio_id(text: str) -> str:
    """A cio_id without its optional prefix."""
    return text.removeprefix(CIO_ID_PREFIX)


def _no_identifier(kind: IdentifierKind, mode: Mode, path: str) -> InvalidInput:
    kinds = ", ".join(sorted(REFERENCE_KINDS[mode]))
    return InvalidInput(f"{path}: {kind} is no identifier in mode {mode}: use one of {kinds}", field=path)


def _infer_kind(raw: object, mode: Mode) -> IdentifierKind:
    if not isinstance(raw, str):
        return ID
    if raw.startswith(CIO_ID_PREFIX):
        return CIO_ID
    if EMAIL in REFERENCE_KINDS[mode] and email_key(stripped(raw)) is not None:
        return EMAIL
    return ID


def reference_to_cio_id(cio_id: str) -> Reference:
    """A reference to a person by cio_id."""
    return Reference(kind=CIO_ID, value=cio_id, key=cio_id)
