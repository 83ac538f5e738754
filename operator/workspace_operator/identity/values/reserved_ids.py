"""Values that nobody is given as an id (identity-rules §1): ours, and what an unset variable looks like.

Whoever has such an id keeps it, and is found by it.
"""

from typing import Final

from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import CIO_ID_PREFIX
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, IdentifierKind
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, stripped

PLACEHOLDERS: Final = frozenset({"undefined", "null", "[object object]", "nan", "none"})
"""What programs send for a variable that was not set, in lower case."""

_MAX_CHARACTERS: Final = max(map(len, PLACEHOLDERS))


def is_placeholder(value: object) -> bool:
    """Whether a value is what programs send for a variable that was not set, in any case, also with white space."""
    if not isinstance(value, str) or len(value) > MAX_ID_BYTES:  # what is longer is no identifier either
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
