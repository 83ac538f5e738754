"""Values that nobody is given as an id (identity-rules §1): ours, and what an unset variable looks like.

Whoever has such an id keeps it, and is found by it.
"""

from typing import Final

from workspace_operator.identity import reasons
from workspace_operator.identity.references import CIO_ID_PREFIX
from workspace_operator.identity.rules import CIO_ID, EMAIL, Kind
from workspace_operator.identity.texts import MAX_ID_BYTES, stripped

PLACEHOLDERS: Final = frozenset({"undefined", "null", "[object object]", "nan", "none"})
"""What programs send for a variable that was not set, in lower case."""

_LONGEST: Final = max(map(len, PLACEHOLDERS))


def is_placeholder(value: object) -> bool:
    """Whether a value is what programs send for a variable that was not set, in any case, also with white space."""
    if not isinstance(value, str) or len(value) > MAX_ID_BYTES:  # what is longer is no identifier either
        return False
    text = stripped(value)
    return len(text) <= _LONGEST and text.lower() in PLACEHOLDERS


def objection_to_giving(kind: Kind, key: str) -> str:
    """Why a value cannot be given to anybody as this kind of identifier; empty if it can."""
    if kind is EMAIL:
        return ""
    if is_placeholder(key):
        return reasons.PLACEHOLDER
    return reasons.RESERVED_ID if kind is not CIO_ID and key.startswith(CIO_ID_PREFIX) else ""
