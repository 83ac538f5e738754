"""Values that are never given as an id (identity-rules §1): reserved ids, and placeholders of unset variables.

A person who has such an id already keeps it, and it still names the person.
"""

from typing import Final

from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import CIO_ID_PREFIX
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, IdentifierKind
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, stripped

PLACEHOLDERS: Final = frozenset({"undefined", "null", "[object object]", "nan", "none"})
"""Texts that programs send for a variable that was not set, in lower case."""

_MAX_CHARACTERS: Final = max(map(len, PLACEHOLDERS))


def is_placeholder(value: object) -> bool:
    """Whether a value is a placeholder, in any case and with any surrounding white space."""
    if not isinstance(value, str) or len(value) > MAX_ID_BYTES:  # a longer value is no identifier either
        return False
    text = stripped(value)
    return len(text) <= _MAX_CHARACTERS and text.lower() in PLACEHOLDERS


def reason_not_assignable(kind: IdentifierKind, key: str) -> str | None:
    """The reason why no person can get this value as an identifier of this kind; None if a person can."""
    if kind is EMAIL:
        return None
    if is_placeholder(key):
        return refusal_reasons.PLACEHOLDER
    return refusal_reasons.RESERVED_ID if kind is not CIO_ID and key.startswith(CIO_ID_PREFIX) else None
